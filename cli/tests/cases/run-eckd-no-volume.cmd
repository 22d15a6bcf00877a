# A flat image is for fba.
run --device eckd:{images}/disk.fba tests/programs/linux61-3390-63-47-86x4-1.json
