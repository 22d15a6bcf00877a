check --orb 6000 {images}/guest.kdump
