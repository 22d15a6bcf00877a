check cli/tests/inputs/no-such-file.json
