check cli/tests/inputs/not-json.txt
