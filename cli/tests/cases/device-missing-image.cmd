device --format json --soft fba:{images}/none.fba
