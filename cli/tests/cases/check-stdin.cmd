check - < tests/programs/bad-command-10.json
