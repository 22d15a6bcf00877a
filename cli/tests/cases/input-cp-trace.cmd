check cli/tests/inputs/cp-trace.txt
