check tests/programs/bad-midaw-exact-reserved-flag.json
