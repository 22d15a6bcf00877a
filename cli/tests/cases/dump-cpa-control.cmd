show --cpa 2000 --control 00c28000 {images}/guest.elf
