diff -h
