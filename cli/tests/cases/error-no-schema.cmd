check cli/tests/inputs/no-schema.json
