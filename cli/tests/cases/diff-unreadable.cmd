diff tests/programs/bad-tic-tic.json no-such-file
