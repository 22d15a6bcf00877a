show --cpa 7100 {images}/guest.elf
