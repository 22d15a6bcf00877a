check cli/tests/inputs/overlap.json
