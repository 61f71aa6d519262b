#!/usr/bin/env python3
"""Writes common-passwords.txt from the two lists that README.md names.

    python3 make-list.py <zxcvbn-ts passwords.json> <django common-passwords.txt.gz>
"""

import gzip
import json
import sys
import unicodedata
from pathlib import Path

SHORTEST = 8  # PasswordPolicy::LEAST_MIN_LENGTH: shorter ones are refused for their length


def fold(entry):
    # What PasswordPolicy does to the password before it looks it up.
    return unicodedata.normalize("NFC", entry.strip().lower())


def main(zxcvbn, django):
    entries = json.loads(Path(zxcvbn).read_text(encoding="utf-8"))
    with gzip.open(django, "rt", encoding="utf-8") as lines:
        entries += lines.read().splitlines()
    folded = {fold(entry) for entry in entries}
    # U+043F U+0457 U+0455 repeated is a replacement character that somebody decoded with the wrong code page.
    kept = {e for e in folded if len(e) >= SHORTEST and "\u043f\u0457\u0455" not in e and e.isprintable()}
    # Sorted by bytes, which is how the look-up compares.
    ordered = sorted(entry.encode("utf-8") for entry in kept)
    out = Path(__file__).with_name("common-passwords.txt")
    out.write_bytes(b"".join(entry + b"\n" for entry in ordered))
    print(f"{len(ordered)} entries, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
