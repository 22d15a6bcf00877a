# One implementation: a list of MIDAWs that may be checked.
check --profile hyperion tests/programs/enc-midaw-2.json
