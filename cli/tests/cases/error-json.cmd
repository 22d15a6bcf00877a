check --format json cli/tests/inputs/odd-hex.json cli/tests/inputs/truncated.json cli/tests/inputs/prose.txt
