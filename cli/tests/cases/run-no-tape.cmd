# A file that is no tape: what the program sees, and what its user should know.
run --device tape:tests/images/disk.fba tests/programs/linux61-3490-db-02-1.json
