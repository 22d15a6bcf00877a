translate --format json tests/programs/enc-idal1-fmt0.json tests/programs/bad-command-10.json tests/programs/enc-midaw-exact-2.json
