check cli/tests/inputs/linux-dasd-addresses.txt
