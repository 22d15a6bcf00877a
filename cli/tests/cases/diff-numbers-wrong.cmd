diff --number 6, cli/tests/inputs/hercules-4.txt cli/tests/inputs/hercules-4.txt
