check tests/programs/enc-chain-257.json
