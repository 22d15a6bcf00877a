# What a policy forbids is no matter to the others.
check --profile all --read-only tests/programs/linux61-9336-63-43-41x8-1.json
