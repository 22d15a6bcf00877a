check cli/tests/inputs/qemu.txt
