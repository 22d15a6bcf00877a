run --device script:cli/tests/inputs/script-too-hungry.json cli/tests/inputs/data-chain-loop.json
