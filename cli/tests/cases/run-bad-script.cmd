run --device script:cli/tests/inputs/not-json.txt tests/programs/enc-sense-id-sli.json
