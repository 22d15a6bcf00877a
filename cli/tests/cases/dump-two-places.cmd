check --orb 10 --cpa 10 {images}/guest.elf
