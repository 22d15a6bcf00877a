# Legal, but not translated: nothing is started.
submit --soft script:cli/tests/inputs/script-sense-id.json cli/tests/inputs/search-tic-forward.json
