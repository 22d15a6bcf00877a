# A condition that some see and others do not, and a list that one takes for data.
check --profile all --format json tests/programs/bad-count0-fmt0.json tests/programs/enc-midaw-2.json tests/programs/bad-data-out-of-storage.json
