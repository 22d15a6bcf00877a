check tests/programs/bad-midaw-data-out-of-storage.json
