check cli/tests/inputs/linux-dasd.txt
