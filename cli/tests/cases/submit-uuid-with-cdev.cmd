submit --cdev /dev/vfio/devices/vfio0 --uuid 6dfd3ec5-e8b3-4e18-a6fe-57bc9eceb920 tests/programs/enc-sense-id-sli.json
