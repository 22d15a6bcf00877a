check {images}/large.image
