submit --timeout 1 --format json --soft script:cli/tests/inputs/script-no-device-end.json cli/tests/inputs/two-nops.json
