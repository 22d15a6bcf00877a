translate --profile vfio-ccw tests/programs/fcx-fba-read.json
