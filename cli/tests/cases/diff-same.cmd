diff tests/programs/bad-tic-tic.json tests/programs/bad-tic-tic.json
