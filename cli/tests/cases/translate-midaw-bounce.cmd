# By way of a copy: the program goes on behind a record that is too short.
translate --profile vfio-ccw cli/tests/inputs/midaw-bounce.json
