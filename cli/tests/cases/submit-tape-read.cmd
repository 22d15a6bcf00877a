submit --soft tape:{images}/tape.aws tests/programs/linux61-3490-db-02-1.json
