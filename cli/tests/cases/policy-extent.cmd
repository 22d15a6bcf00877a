check --extent 0.0-0.14 tests/programs/linux61-3390-63-47-86-1.json tests/programs/linux61-3390-b4-1.json
