# By one list: the areas end and begin where blocks do.
translate --profile vfio-ccw cli/tests/inputs/midaw-blocks.json
