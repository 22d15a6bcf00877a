# By data chaining: the software device stands in for a host without MIDAWs.
submit --soft script:cli/tests/inputs/script-sense-id.json tests/programs/enc-midaw-exact-2.json
