check tests/programs/enc-tic-first-fmt1.json
