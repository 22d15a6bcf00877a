check cli/tests/inputs/hercules-no-device.txt
