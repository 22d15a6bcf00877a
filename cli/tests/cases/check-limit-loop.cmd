check tests/programs/enc-tic-loop-forever.json
