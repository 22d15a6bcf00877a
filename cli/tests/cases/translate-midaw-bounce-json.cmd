translate --profile vfio-ccw --format json cli/tests/inputs/midaw-bounce.json
