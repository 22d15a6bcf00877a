run --device tape:{images}/tape.aws tests/programs/enc-tic-loop-forever.json
