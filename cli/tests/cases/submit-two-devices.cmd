submit --cdev /dev/vfio/devices/vfio0 --soft tape:{images}/tape.aws tests/programs/enc-sense-id-sli.json
