# Data chaining in a loop: one command that never ends by itself.
submit --timeout 600 --soft script:cli/tests/inputs/script-hungry.json cli/tests/inputs/data-chain-loop.json
