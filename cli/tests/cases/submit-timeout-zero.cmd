submit --timeout 0 --soft tape:{images}/tape.aws tests/programs/enc-sense-id-sli.json
