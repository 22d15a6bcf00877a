device --soft fba:{images}/disk.fba
