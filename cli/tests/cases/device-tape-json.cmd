device --format json --soft tape:{images}/tape.aws
