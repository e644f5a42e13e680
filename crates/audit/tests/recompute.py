"""Recomputes a journal's tree from its files alone, with nothing but Python's own library.

    recompute.py <journal folder> [<receipt>]

Reads the groups as crates/journal/src/group.rs lays them out, hashes every record as a leaf of RFC 6962's tree, and compares
the root with the signed checkpoint's (c2sp.org/tlog-checkpoint); a receipt (c2sp.org/tlog-proof) is followed from its record
to its checkpoint's root, and that root is computed again too. Checksums and signatures are others' to check. Prints size and
root; exits 1 when anything differs.
"""

import base64
import hashlib
import pathlib
import struct
import sys

SECTOR, HEADER = 512, 64


def records(folder):
    """Every record's bytes, in order."""
    position = 0
    for path in sorted(folder.glob("*.segment")):
        data, at = path.read_bytes(), 0
        while data[at : at + 4] == b"ALMG":
            first, count, length = struct.unpack_from("<Q8xII", data, at + 24)
            assert first == position, f"{path}: a group starts at {first}, not {position}"
            sectors = -(-(HEADER + length) // (SECTOR - 1))
            stored = data[at : at + sectors * SECTOR]
            payload = b"".join(stored[n : n + SECTOR - 1] for n in range(0, len(stored), SECTOR))
            payload = payload[HEADER : HEADER + length]
            while payload:
                (body,) = struct.unpack_from("<I", payload, 4)
                yield payload[: 88 + body]
                payload = payload[88 + body :]
                position += 1
            assert position == first + count, f"{path}: {count} records announced"
            at += sectors * SECTOR
        assert not any(data[at:]), f"{path}: bytes that belong to no group at {at}"


def leaf(record):
    return hashlib.sha256(b"\0" + record).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    """RFC 6962 section 2.1, as it is written there."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node(root(leaves[:k]), root(leaves[k:]))


def checkpoint(note):
    """Size and root that a note says."""
    lines = note.split("\n")
    return int(lines[1]), base64.b64decode(lines[2], validate=True)


def follow(index, size, hash_, path):
    """RFC 9162 section 2.1.3.2."""
    fn, sn = index, size - 1
    for sibling in path:
        assert sn, "the path is too long"
        if fn & 1 or fn == sn:
            hash_ = node(sibling, hash_)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            hash_ = node(hash_, sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0, "the path is too short"
    return hash_


def main(folder, receipt=None):
    leaves = [leaf(record) for record in records(pathlib.Path(folder))]
    size, signed = checkpoint((pathlib.Path(folder) / "checkpoint").read_text())
    assert root(leaves[:size]) == signed, "the records are not those that the checkpoint signs for"
    if receipt:
        head, note = pathlib.Path(receipt).read_text().split("\n\n", 1)
        lines = head.split("\n")
        assert lines.pop(0) == "c2sp.org/tlog-proof@v1"
        carried = base64.b64decode(lines.pop(0)[6:]) if lines[0].startswith("extra ") else None
        index = int(lines.pop(0).removeprefix("index "))
        size_then, signed_then = checkpoint(note)
        assert carried in (None, leaves[index]), "the receipt is of another record"
        path = [base64.b64decode(line, validate=True) for line in lines]
        assert follow(index, size_then, leaves[index], path) == signed_then, "the receipt does not prove its record"
        assert root(leaves[:size_then]) == signed_then, "the journal does not begin with the receipt's"
    print(len(leaves), root(leaves).hex())


try:
    main(*sys.argv[1:])
except (AssertionError, ValueError, struct.error) as error:
    sys.exit(f"{error or 'malformed'}")
