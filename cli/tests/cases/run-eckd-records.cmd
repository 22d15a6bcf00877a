# Three records on a track, as they are made.
run --compare --device eckd:{images}/disk.ckd tests/images/ckd-records.json
