run --device script:cli/tests/inputs/no-such-file.json tests/programs/enc-sense-id-sli.json
