check cli/tests/inputs/prose.txt
