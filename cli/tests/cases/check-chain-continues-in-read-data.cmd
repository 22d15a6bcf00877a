check tests/programs/enc-mvs38-like-iplread.json
