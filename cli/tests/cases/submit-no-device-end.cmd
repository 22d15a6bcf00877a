# The device is silent behind channel end: the program is halted.
submit --timeout 1 --soft script:cli/tests/inputs/script-no-device-end.json cli/tests/inputs/two-nops.json
