translate tests/programs/enc-seek-search-tic-readdata.json
