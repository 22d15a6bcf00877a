check tests/programs/enc-midaw-exact-last-missing.json
