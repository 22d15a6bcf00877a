# Legal, but not translated.
check --profile software tests/programs/enc-midaw-exact-2.json
