check cli/tests/inputs/listing.txt
