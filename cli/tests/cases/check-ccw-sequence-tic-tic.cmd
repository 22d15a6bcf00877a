check tests/programs/bad-tic-tic-fmt0-disguised.json
