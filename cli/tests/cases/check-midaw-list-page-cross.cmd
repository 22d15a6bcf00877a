check tests/programs/bad-midaw-exact-list-cross-4k.json
