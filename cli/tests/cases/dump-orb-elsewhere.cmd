check --orb 90000 {images}/guest.elf
