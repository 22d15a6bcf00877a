translate --format json cli/tests/inputs/linux-dasd-addresses.txt cli/tests/inputs/hercules-3.txt
