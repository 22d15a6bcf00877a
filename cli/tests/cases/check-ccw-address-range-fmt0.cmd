check tests/programs/bad-orb-cpa-fmt0-above-16m.json
