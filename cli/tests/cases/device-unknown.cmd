# A device that rejects every command.
device --soft script:cli/tests/inputs/script-unit-check.json
