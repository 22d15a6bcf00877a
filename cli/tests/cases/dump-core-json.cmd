check --format json {images}/guest.elf
