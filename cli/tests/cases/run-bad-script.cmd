run --device script:cli/tests/inputs/prose.txt tests/programs/enc-sense-id-sli.json
