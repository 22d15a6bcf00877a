explain --format json E01
