explain c01 idal-align E02
