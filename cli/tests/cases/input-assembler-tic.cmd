check cli/tests/inputs/assembler-tic.txt
