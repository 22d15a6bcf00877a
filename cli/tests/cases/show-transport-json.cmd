show --format json tests/programs/fcx-fba-write.json
