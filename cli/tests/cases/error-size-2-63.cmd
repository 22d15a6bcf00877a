check cli/tests/inputs/size-2-63.json
