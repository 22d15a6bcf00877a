show tests/programs/fcx-read-ttic.json
