translate --orb 1080 {images}/guest.kdump
