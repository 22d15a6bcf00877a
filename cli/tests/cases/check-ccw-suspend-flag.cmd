check tests/programs/bad-suspend-flag-no-control.json
