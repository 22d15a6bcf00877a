check tests/programs/bad-midaw-sum-exceeds.json
