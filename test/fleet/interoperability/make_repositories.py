"""Writes TUF repositories by the specification (1.0.31), for a client of another make to judge.

usage: make_repositories.py OUT TARGETS DOCUMENT
OUT/root.json is the root to begin with, OUT/<name>/{metadata,targets} a repository: `good` first, then one of the others. TARGETS is
a folder of files to sign, DOCUMENT the one of them that is meddled with.

Canonical form and key ids come from securesystemslib, on which python-tuf stands; signatures from cryptography.
"""

import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.formats import encode_canonical

OUT, TARGETS, DOCUMENT = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
FILES = {p.relative_to(TARGETS).as_posix(): p.read_bytes() for p in sorted(TARGETS.rglob("*")) if p.is_file()}


class Key:
    def __init__(self):
        self.private = Ed25519PrivateKey.generate()
        raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw.hex()}}
        self.id = hashlib.sha256(encode_canonical(self.public).encode()).hexdigest()

    def sign(self, body):
        return {"keyid": self.id, "sig": self.private.sign(encode_canonical(body).encode()).hex()}


def signed(body, keys):
    return {"signatures": [key.sign(body) for key in keys], "signed": body}


def body(role, version, days=30, **fields):
    expires = datetime.now(timezone.utc) + timedelta(days=days)
    return {
        "_type": role,
        "spec_version": "1.0.31",
        "version": version,
        "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **fields,
    }


ROOT, NEW_ROOT, TARGETS_KEYS = [Key(), Key()], [Key(), Key()], [Key(), Key()]
SNAPSHOT, TIMESTAMP, STRANGER = Key(), Key(), Key()


def root(version, root_keys, days=30):
    roles = {"root": root_keys, "targets": TARGETS_KEYS, "snapshot": [SNAPSHOT], "timestamp": [TIMESTAMP]}
    return body(
        "root",
        version,
        days,
        consistent_snapshot=True,
        keys={key.id: key.public for keys in roles.values() for key in keys},
        roles={name: {"keyids": [key.id for key in keys], "threshold": len(keys)} for name, keys in roles.items()},
    )


def targets(version, custom=None, **fields):
    entries = {
        name: {"length": len(content), "hashes": {"sha256": hashlib.sha256(content).hexdigest()}}
        for name, content in FILES.items()
    }
    if custom is not None:
        entries[DOCUMENT]["custom"] = custom
    return body("targets", version, targets=entries, **fields)


def repository(name, *, roots=(), targets_file, snapshot, timestamp, timestamp_key=TIMESTAMP, files=FILES):
    """`snapshot` is (own version, version of targets), `timestamp` (own version, version of the snapshot, days)."""
    metadata = {f"{version}.root.json": content for version, content in roots}
    metadata[f"{targets_file['signed']['version']}.targets.json"] = targets_file
    own, of_targets = snapshot
    metadata[f"{own}.snapshot.json"] = signed(
        body("snapshot", own, meta={"targets.json": {"version": of_targets}}), [SNAPSHOT]
    )
    own, of_snapshot, days = timestamp
    stamp = signed(body("timestamp", own, days, meta={"snapshot.json": {"version": of_snapshot}}), [timestamp_key])
    stamp["signatures"][0]["keyid"] = TIMESTAMP.id
    metadata["timestamp.json"] = stamp
    for file, content in metadata.items():
        put(OUT / name / "metadata" / file, json.dumps(content, indent=1).encode())
    for target, content in files.items():
        path = Path(target)
        digest = hashlib.sha256(FILES[target]).hexdigest()
        put(OUT / name / "targets" / path.parent / f"{digest}.{path.name}", content)


def put(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def third(name, **change):
    """A third issue of everything, sound but for the change."""
    sound = {"targets_file": signed(targets(3), TARGETS_KEYS), "snapshot": (3, 3), "timestamp": (3, 3, 30)}
    repository(name, **{**sound, **change})


put(OUT / "root.json", json.dumps(signed(root(1, ROOT), ROOT)).encode())
second = {"targets_file": signed(targets(2), TARGETS_KEYS), "snapshot": (2, 2)}
repository("good", **second, timestamp=(2, 2, 30))

# To be taken.
third("next")
third("root-rotated", roots=[(2, signed(root(2, NEW_ROOT), ROOT + NEW_ROOT))])
third("strange-characters", targets_file=signed(targets(3, {"note": 'é "quoted" \\ \u2028 \t\n \U0001f511'}), TARGETS_KEYS))
third("later-minor-version", targets_file=signed(targets(3, spec_version="1.9.0"), TARGETS_KEYS))
third("unknown-fields", targets_file=signed(targets(3, **{"x-other": [1, None, {"b": True, "a": ""}]}), TARGETS_KEYS))

# To be refused.
third("another-major-version", targets_file=signed(targets(3, spec_version="2.0.0"), TARGETS_KEYS))
third("root-expired", roots=[(2, signed(root(2, NEW_ROOT, -1), ROOT + NEW_ROOT))])
third("targets-expired", targets_file=signed(targets(3, days=-1), TARGETS_KEYS))
third("timestamp-expired", timestamp=(3, 3, -1))
third("timestamp-by-a-stranger", timestamp_key=STRANGER)
repository("timestamp-rolled-back", **second, timestamp=(1, 2, 30))
third("snapshot-rolled-back", targets_file=signed(targets(1), TARGETS_KEYS), snapshot=(1, 1), timestamp=(3, 1, 30))
third("targets-rolled-back", targets_file=signed(targets(1), TARGETS_KEYS), snapshot=(3, 1))
third("targets-signed-by-one", targets_file=signed(targets(3), TARGETS_KEYS[:1]))
third("targets-signed-twice-by-one", targets_file=signed(targets(3), TARGETS_KEYS[:1] * 2))
swapped = signed(targets(3), TARGETS_KEYS)
swapped["signed"]["targets"][DOCUMENT]["hashes"]["sha256"] = hashlib.sha256(b"another").hexdigest()
third("hash-swapped", targets_file=swapped)
other = bytes([FILES[DOCUMENT][0] ^ 1]) + FILES[DOCUMENT][1:]
repository("file-swapped", **second, timestamp=(2, 2, 30), files={**FILES, DOCUMENT: other})
third("root-by-one-old-key", roots=[(2, signed(root(2, NEW_ROOT), ROOT[:1] + NEW_ROOT))])
third("root-by-one-new-key", roots=[(2, signed(root(2, NEW_ROOT), ROOT + NEW_ROOT[:1]))])
third("root-leaps", roots=[(2, signed(root(3, NEW_ROOT), ROOT + NEW_ROOT))])
