run --format json --device tape:{images}/tape.aws tests/programs/linux61-3590-db-02-1.json
