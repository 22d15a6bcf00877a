check cli/tests/inputs/listing-other-bytes.txt
