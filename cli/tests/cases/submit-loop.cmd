# Given up by a device in software, long before its time is over.
submit --timeout 600 --soft tape:{images}/tape.aws tests/programs/enc-tic-loop-forever.json
