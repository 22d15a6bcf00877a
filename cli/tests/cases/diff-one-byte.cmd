diff tests/programs/bad-idal2-second-not-4k.json tests/programs/enc-idal2-4k-first-offset.json
