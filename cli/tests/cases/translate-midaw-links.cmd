# By data chaining, one host CCW for each area.
translate --profile vfio-ccw tests/programs/enc-midaw-exact-2.json
