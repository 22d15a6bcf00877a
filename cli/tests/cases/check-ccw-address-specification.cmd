check tests/programs/bad-data-chain-tail-misaligned-tic.json
