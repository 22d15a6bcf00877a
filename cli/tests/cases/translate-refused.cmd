translate --profile vfio-ccw tests/programs/enc-midaw-exact-2.json
