submit --resume 3 --soft script:cli/tests/inputs/script-sense-id.json cli/tests/inputs/suspends.json
