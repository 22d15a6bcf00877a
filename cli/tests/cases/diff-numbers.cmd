diff --number 6,5 cli/tests/inputs/hercules-4.txt cli/tests/inputs/hercules-4.txt
