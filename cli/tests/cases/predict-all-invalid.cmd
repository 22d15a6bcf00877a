# Everybody finds it, each at its own place.
check --profile all tests/programs/bad-tic-tic.json tests/programs/bad-data-out-of-storage.json
