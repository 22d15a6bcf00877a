# One CCW used in two ways.
run --device script:cli/tests/inputs/script-sense-id.json cli/tests/inputs/two-ways.json
