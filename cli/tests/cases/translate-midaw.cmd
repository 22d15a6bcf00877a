translate tests/programs/enc-midaw-exact-2.json
