check {images}/empty.elf
