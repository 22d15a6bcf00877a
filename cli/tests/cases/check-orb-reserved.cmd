check tests/programs/bad-orb-reserved-b30.json
