submit --soft fba:{images}/disk.fba cli/tests/inputs/command-reject.json
