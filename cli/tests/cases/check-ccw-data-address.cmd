check tests/programs/bad-data-out-of-storage.json
