check tests/programs/enc-tic-after-search-sm-skip.json
