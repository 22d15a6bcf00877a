submit --soft script:cli/tests/inputs/script-unit-check.json tests/programs/enc-sense-id-sli.json
