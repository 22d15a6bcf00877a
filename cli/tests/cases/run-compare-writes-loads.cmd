# What was written would be written twice.
run --compare --device fba:tests/images/disk.fba cli/tests/inputs/writes-loads-itself.json
