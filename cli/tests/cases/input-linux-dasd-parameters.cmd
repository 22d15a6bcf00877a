check cli/tests/inputs/linux-dasd-parameters.txt
