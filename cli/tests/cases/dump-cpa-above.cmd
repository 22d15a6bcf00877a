check --cpa 100000000 {images}/guest.elf
