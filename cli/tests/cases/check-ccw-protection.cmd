check tests/programs/bad-key-fetch-protect-ccw.json
