translate cli/tests/inputs/listing.txt cli/tests/inputs/listing-no-orb.txt
