check cli/tests/inputs/gtf.txt
