# A kernel's limit: it refuses what the others carry out.
check --profile all tests/programs/enc-chain-257.json
