check --profile vms tests/programs/linux61-3390-64-1.json
