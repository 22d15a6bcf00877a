# Nobody takes it.
check --profile all tests/programs/fcx-fba-read.json
