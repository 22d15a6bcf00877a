check tests/programs/bad-idal1-list-misaligned2.json
