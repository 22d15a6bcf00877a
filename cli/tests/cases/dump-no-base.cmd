check --scan tests/programs/enc-sense-id-sli.json
