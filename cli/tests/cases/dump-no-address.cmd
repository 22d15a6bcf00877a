check --orb +10 {images}/guest.elf
