check {images}/cut.elf
