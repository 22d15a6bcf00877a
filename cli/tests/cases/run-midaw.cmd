run --compare --device script:cli/tests/inputs/script-sense-id.json tests/programs/enc-midaw-exact-2.json
