# The storage of the guest has the keys of the program's.
submit --soft script:cli/tests/inputs/script-sense-id.json tests/programs/bad-key-fetch-protect-ccw.json
