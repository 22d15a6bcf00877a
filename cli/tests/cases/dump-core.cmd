check {images}/guest.elf
