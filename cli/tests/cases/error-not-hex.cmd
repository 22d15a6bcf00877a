check cli/tests/inputs/not-hex.json
