check tests/programs/bad-mida-and-ida.json
