run --compare --device script:cli/tests/inputs/script-sense-id.json cli/tests/inputs/two-ways.json
