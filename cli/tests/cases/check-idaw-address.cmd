check tests/programs/bad-idal2-list-runs-off.json
