submit --soft printer:{images}/printer.txt tests/programs/enc-printer-write-space.json
