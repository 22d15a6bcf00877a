run --compare --device script:cli/tests/inputs/script-output.json cli/tests/inputs/listing.txt
