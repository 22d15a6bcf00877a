submit --write --cdev /dev/vfio/devices/vfio0 tests/programs/enc-sense-id-sli.json
