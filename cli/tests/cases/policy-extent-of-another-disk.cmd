check --extent 0-9 tests/programs/linux61-3390-63-47-86-1.json
