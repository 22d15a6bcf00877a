run --write --compare --device script:cli/tests/inputs/script-long.json tests/programs/enc-sense-id-sli.json
