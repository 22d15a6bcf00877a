run --compare --device tape:{images}/tape.aws tests/programs/linux61-3490-db-01-1.json
