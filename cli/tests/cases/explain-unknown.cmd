explain Z99
