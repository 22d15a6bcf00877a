# Legal, but not translated.
check --profile vfio-ccw cli/tests/inputs/search-tic-forward.json
