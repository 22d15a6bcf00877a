show tests/programs/enc-console3215-write.json tests/programs/linux61-3270-01-1.json
