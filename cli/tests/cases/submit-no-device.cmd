submit tests/programs/enc-sense-id-sli.json
