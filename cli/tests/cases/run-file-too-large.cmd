# A script of zeros without end.
run --device script:/dev/zero cli/tests/inputs/two-nops.json
