check cli/tests/inputs/odd-hex.json
