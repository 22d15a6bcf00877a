# It reads into itself: carried out part by part, as run does.
check --profile software cli/tests/inputs/loads-itself.json
