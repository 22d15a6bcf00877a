# The tape was written by a system that stores ASCII.
show tests/programs/linux61-3490-db-01-1.json
