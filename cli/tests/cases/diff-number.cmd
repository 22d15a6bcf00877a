diff --number 1 cli/tests/inputs/hercules-4.txt cli/tests/inputs/hercules-4.txt
