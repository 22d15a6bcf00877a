check cli/tests/inputs/size-not-a-number.json
