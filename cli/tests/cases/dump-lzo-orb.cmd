check --orb 80 {images}/lzo.kdump
