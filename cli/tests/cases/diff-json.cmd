# Lines that only one of them has, with their numbers there.
diff --format json cli/tests/inputs/two-nops.json tests/programs/bad-tic-tic.json
