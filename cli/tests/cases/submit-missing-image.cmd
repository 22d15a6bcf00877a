submit --soft tape:{images}/none.aws tests/programs/enc-sense-id-sli.json
