submit --soft fba:tests/images/disk.fba tests/programs/fcx-fba-read.json
