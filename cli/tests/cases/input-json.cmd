check --format json cli/tests/inputs/linux-dasd.txt cli/tests/inputs/hercules-4.txt cli/tests/inputs/qemu.txt
