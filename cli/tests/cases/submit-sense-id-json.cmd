submit --format json --soft script:cli/tests/inputs/script-sense-id.json tests/programs/enc-sense-id-sli.json
