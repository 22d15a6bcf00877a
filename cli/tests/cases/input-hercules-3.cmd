check cli/tests/inputs/hercules-3.txt
