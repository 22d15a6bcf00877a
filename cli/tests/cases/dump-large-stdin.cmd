# More than is kept of standard input: a file is not kept at all.
check - < {images}/large.image
