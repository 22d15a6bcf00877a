# Nothing is made up where nobody has looked.
check --profile vfio-ccw-7.1 tests/programs/enc-chain-257.json
