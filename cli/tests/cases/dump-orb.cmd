show --orb 0x1080 {images}/guest.elf
