check cli/tests/inputs/no-prefetch.txt
