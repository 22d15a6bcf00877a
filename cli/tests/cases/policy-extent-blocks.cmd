check --extent 0-9 --read-only tests/programs/linux61-9336-63-43-42x32-1.json
