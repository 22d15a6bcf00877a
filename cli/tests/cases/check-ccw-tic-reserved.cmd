check tests/programs/bad-tic-flags-fmt1.json
