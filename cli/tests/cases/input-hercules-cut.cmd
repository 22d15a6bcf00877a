check cli/tests/inputs/hercules-cut.txt
