explain --format json E01 C05
