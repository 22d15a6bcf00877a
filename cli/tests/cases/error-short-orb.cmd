check cli/tests/inputs/short-orb.json
