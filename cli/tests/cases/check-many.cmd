# An unreadable input does not keep the others from being read, and decides the exit code.
check tests/programs/bad-tic-tic.json tests/programs/enc-idal1-2k.json cli/tests/inputs/no-such-file.json tests/programs/enc-mvs38-like-iplread.json
