# Files that are packed: the magic number of gzip.
check cli/tests/inputs/packed.gz
