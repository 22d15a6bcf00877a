# 3990 and 3390, 100 cylinders.
device --soft script:cli/tests/inputs/script-eckd.json
