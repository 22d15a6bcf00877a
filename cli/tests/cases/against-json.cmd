# The same in JSON.
check --format json cli/tests/inputs/against-t18.json cli/tests/inputs/against-c05.json
