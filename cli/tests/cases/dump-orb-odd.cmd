check --orb 1082 {images}/guest.elf
