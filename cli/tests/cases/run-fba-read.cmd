run --device fba:{images}/disk.fba tests/programs/linux61-9336-63-43-42x32-1.json
