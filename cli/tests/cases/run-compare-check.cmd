run --compare --device tape:{images}/tape.aws tests/programs/bad-tic-tic.json
