# Conditions that nothing in this version reports, or only the library.
explain O01 O08 O09 C06 E03 E06 D06
