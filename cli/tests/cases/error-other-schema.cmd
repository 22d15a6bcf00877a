check cli/tests/inputs/other-schema.json
