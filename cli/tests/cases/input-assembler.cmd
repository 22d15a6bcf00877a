check cli/tests/inputs/assembler.txt
