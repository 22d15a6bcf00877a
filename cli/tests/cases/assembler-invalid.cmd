# A number as a whole is underlined where it is not written in hex digits.
check cli/tests/inputs/assembler-invalid.txt
