# The device stops where the guest's program goes wrong, in its second list word.
submit --soft script:cli/tests/inputs/script-long.json tests/programs/bad-idal2-second-not-4k.json
