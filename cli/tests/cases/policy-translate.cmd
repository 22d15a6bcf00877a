translate --read-only tests/images/ckd-records.json
