show --format html tests/programs/bad-tic-tic.json tests/programs/bad-idal2-second-not-4k.json no-such-file
