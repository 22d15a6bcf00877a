run --direct --device script:cli/tests/inputs/script-long.json tests/programs/bad-idal2-second-not-4k.json
