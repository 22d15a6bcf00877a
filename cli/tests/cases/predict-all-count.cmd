# A condition that is not seen by every implementation.
check --profile all tests/programs/bad-count0-fmt0.json
