submit --read-only --soft eckd:{images}/disk.ckd tests/images/ckd-records.json
