check --input dump tests/programs/enc-sense-id-sli.json
