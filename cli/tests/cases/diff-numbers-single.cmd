diff --number 6,1 cli/tests/inputs/hercules-4.txt cli/tests/inputs/assembler.txt
