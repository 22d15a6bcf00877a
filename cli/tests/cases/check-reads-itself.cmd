# What allows prefetching is not suggested: a CCW that is read in stands behind the error.
check cli/tests/inputs/reads-itself.txt
