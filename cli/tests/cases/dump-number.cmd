check --number 2 {images}/guest.elf
