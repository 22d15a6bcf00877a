run --device script:cli/tests/inputs/script-unit-check.json cli/tests/inputs/listing-no-orb.txt
