check --color always tests/programs/bad-tic-tic.json
