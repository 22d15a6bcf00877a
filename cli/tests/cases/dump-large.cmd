check --base 0 {images}/large.image
