check cli/tests/inputs/control-characters.json
