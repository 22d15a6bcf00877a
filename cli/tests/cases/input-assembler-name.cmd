check cli/tests/inputs/assembler-name.txt
