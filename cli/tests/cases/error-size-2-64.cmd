check cli/tests/inputs/size-2-64.json
