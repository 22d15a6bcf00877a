check cli/tests/inputs/cp-guest.txt
