show --number 9 cli/tests/inputs/hercules-4.txt
