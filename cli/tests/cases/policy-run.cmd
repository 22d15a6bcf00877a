run --extent 2.0-2.14 --device eckd:{images}/disk.ckd tests/programs/linux61-3390-63-47-86x4-1.json
