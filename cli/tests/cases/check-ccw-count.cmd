check tests/programs/bad-count0-cd-fmt1.json
