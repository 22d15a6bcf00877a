submit --soft tape:{images}/tape.aws no-such-file.json
