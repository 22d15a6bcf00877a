translate --profile vfio-ccw cli/tests/inputs/skip-backward.json
