check --extent 9.0-8.14 tests/programs/linux61-3390-63-47-86-1.json
