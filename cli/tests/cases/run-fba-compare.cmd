run --compare --device fba:{images}/disk.fba tests/programs/linux61-9336-63-43-41x8-1.json
