#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""A toy that runs channel programs of NOPs, TICs and plain WRITEs (format 1, no lists), to show what
ccw-compare asks for: a machine on each line of standard input, a report on each line of the output.

    cargo run -p ccw-kit --bin ccw-compare -- --with css --with 'exec:python3 kit/examples/toy.py' tests/programs
"""

import json
import sys

CD, CC, SLI = 0x80, 0x40, 0x20


class Unsupported(Exception):
    """Says so, rather than to guess."""


def run(machine):
    orb = bytes.fromhex(machine["orb"]["raw"])
    if orb[4] or orb[5] & 0xBD != 0x80 or not orb[6] or any(orb[7:8] + orb[12:]) or orb[8] & 0x80:
        raise Unsupported("an ORB with more than F, P, H and paths")
    storage = {}
    for part in machine["memory"]["ranges"]:
        for n, byte in enumerate(bytes.fromhex(part["hex"])):
            storage[int(part["addr"], 16) + n] = byte
    if machine["memory"].get("storage_keys") or machine["memory"]["default_fill"] != "00":
        raise Unsupported("storage keys, or storage that is not zero")
    size = int(machine["memory"]["size"], 16)
    at, commands, tic, script = int.from_bytes(orb[8:12], "big"), [], True, iter(machine["script"])
    while True:
        if at % 8 or at + 8 > size:
            raise Unsupported("a CCW address that is none")
        code, flags, high, low, *address = (storage.get(at + n, 0) for n in range(8))
        count, address = high << 8 | low, int.from_bytes(bytes(address), "big")
        if code == 0x08 and not tic and not flags and not count:
            at, tic = address, True
            continue
        if code not in (0x01, 0x03) or flags & ~(CC | SLI) or code == 0x01 and not count:
            raise Unsupported("other CCWs than NOP, WRITE and TIC with CC and SLI")
        answer = next(script, {"status": "0e"})
        if answer.get("status", "0c") != "0c" or answer.keys() - {"output", "immediate", "status"}:
            raise Unsupported("a device that does more than to take bytes and end")
        command, residual = {"command": f"{code:02x}"}, count
        if code == 0x01 and "output" in answer:
            if address + count > size or address >> 31:
                raise Unsupported("data that is not in storage")
            if answer["output"] != count:
                raise Unsupported("incorrect length")
            command["output"] = bytes(storage.get(address + n, 0) for n in range(count)).hex()
            residual = 0
        elif code == 0x01 or count and not flags & SLI:
            raise Unsupported("incorrect length")
        commands.append(command)
        at, tic = at + 8, False
        if not flags & CC:
            scsw = bytes([0, orb[5] & 0xC0, 0x40, 0x07]) + at.to_bytes(4, "big")
            scsw += bytes([0x0C, 0]) + residual.to_bytes(2, "big")
            return {"cc": 0, "status": [{"scsw": scsw.hex()}], "commands": commands, "stored": []}


for line in sys.stdin:
    machine = json.loads(line)
    try:
        report = run(machine)
    except Unsupported as why:
        report = {"unsupported": str(why)}
    print(json.dumps({"id": machine["id"], **report}), flush=True)
