# Rules that compare two places: both are marked.
check cli/tests/inputs/against-t09.json cli/tests/inputs/against-t10.json cli/tests/inputs/against-t11.json cli/tests/inputs/against-t18.json cli/tests/inputs/against-c05.json
