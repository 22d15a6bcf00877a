check --format json cli/tests/inputs/linux-dasd-parameters.txt
