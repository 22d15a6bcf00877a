# It suspends itself: carried out part by part, as submit does.
check --profile vfio-ccw cli/tests/inputs/suspends.json
