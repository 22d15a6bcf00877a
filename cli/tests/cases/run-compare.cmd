# Both stop at the second IDAW, with the bytes before it in storage.
run --compare --device script:cli/tests/inputs/script-long.json tests/programs/bad-idal2-second-not-4k.json
