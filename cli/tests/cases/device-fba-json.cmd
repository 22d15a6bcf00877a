device --format json --soft fba:{images}/disk.fba
