explain T05 T18 E13
