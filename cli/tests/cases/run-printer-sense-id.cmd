run --device printer:{images}/printer.txt tests/programs/linux61-1403-e4-1.json
