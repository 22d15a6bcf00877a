check --profile vfio-ccw --read-only tests/programs/fcx-fba-read.json
