check tests/programs/bad-idal-fmt1-list-as-fmt2.json
