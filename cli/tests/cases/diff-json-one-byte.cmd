# Lines that both have count, and are not told.
diff --format json tests/programs/bad-idal2-second-not-4k.json tests/programs/enc-idal2-4k-first-offset.json
