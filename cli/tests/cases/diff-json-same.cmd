diff --format json cli/tests/inputs/two-nops.json cli/tests/inputs/two-nops.json
