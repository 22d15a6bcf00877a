show --format json cli/tests/inputs/gtf.txt
