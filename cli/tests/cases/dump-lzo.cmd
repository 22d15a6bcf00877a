check {images}/lzo.kdump
