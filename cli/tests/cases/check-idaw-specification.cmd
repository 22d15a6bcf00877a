check tests/programs/bad-idal1-second-not-2k.json
