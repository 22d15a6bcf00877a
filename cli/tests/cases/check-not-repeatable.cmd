# What was written would be written twice.
check --profile software cli/tests/inputs/writes-loads-itself.json
