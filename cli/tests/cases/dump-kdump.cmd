check --scan --most 1 {images}/guest.kdump
