check cli/tests/inputs/range-outside.json
