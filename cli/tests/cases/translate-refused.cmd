translate --profile vfio-ccw cli/tests/inputs/search-tic-forward.json
