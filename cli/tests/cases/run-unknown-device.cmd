run --device drum:x tests/programs/enc-sense-id-sli.json
