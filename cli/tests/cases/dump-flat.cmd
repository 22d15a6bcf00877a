check {images}/flat.kdump
