check --format json tests/programs/bad-tic-tic.json cli/tests/inputs/overlap.json tests/programs/enc-idal1-2k.json tests/programs/bad-idal2-second-not-4k.json
