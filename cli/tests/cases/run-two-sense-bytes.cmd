# As many sense bytes as the device gave, no more.
run --compare --device script:cli/tests/inputs/script-two-sense-bytes.json cli/tests/inputs/two-nops.json
