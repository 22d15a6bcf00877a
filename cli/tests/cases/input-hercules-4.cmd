check cli/tests/inputs/hercules-4.txt
