check tests/programs/enc-idal1-2k.json tests/programs/enc-mvs38-like-iplread.json
