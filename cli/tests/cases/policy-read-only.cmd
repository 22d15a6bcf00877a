check --read-only tests/programs/linux61-3390-63-47-85-1.json
