check cli/tests/inputs/truncated.json
