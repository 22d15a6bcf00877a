# The first CCW reads in those that follow: they are fetched when it has ended.
run --compare --device script:cli/tests/inputs/script-loads.json cli/tests/inputs/loads-itself.json
