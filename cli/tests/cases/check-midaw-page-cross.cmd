check tests/programs/bad-midaw-data-crosses-4k.json
