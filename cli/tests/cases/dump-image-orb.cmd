check --base 0 --orb 1080 {images}/guest.image
