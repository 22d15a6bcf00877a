explain H01 --example kept
