check cli/tests/inputs/listing-no-orb.txt
