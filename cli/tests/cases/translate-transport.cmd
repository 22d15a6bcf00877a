translate tests/programs/bad-fcx-tidaw-data.json
