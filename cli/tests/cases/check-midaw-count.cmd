check tests/programs/bad-midaw-last-early.json
