check --input listing cli/tests/inputs/hercules-4.txt
