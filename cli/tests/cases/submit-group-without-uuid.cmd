submit --group /dev/vfio/1 tests/programs/enc-sense-id-sli.json
