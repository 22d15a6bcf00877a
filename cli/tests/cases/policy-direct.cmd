# Nobody stands between the guest's own program and the device.
run --direct --read-only --device eckd:{images}/disk.ckd tests/images/ckd-records.json
