submit --soft script:cli/tests/inputs/script-sense-id.json tests/programs/bad-orb-reserved-b30.json
