check --base 0x80000 --scan {images}/guest.image
