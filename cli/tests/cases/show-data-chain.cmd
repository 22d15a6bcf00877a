show tests/programs/enc-data-chain-rcd-ida-mix.json
