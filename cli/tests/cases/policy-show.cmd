show --extent 2.0-2.14 tests/programs/linux61-3390-63-47-86-1.json
