submit --soft tape:{images}/tape.aws cli/tests/inputs/no-path.json
