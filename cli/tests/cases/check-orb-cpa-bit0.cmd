check tests/programs/bad-orb-cpa-bit0.json
