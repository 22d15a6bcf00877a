run --format json --device script:cli/tests/inputs/script-no-device-end.json cli/tests/inputs/two-nops.json
