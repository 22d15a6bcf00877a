run --device script:cli/tests/inputs/script-output.json cli/tests/inputs/hercules-4.txt
