device --format json --soft script:cli/tests/inputs/script-eckd.json
