# Legal, but not translated: nothing is started.
submit --soft script:cli/tests/inputs/script-sense-id.json tests/programs/enc-midaw-exact-2.json
