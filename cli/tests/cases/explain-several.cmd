explain c01 idal-align
