"""Rebuild the bundled Fashion-MNIST files from Debian's package, checked against Zalando's MD5s.

    apt-get install dataset-fashion-mnist
    python tools/build_fashion_mnist.py

Debian's build drops the file name and the time from each gzip header, and nothing else. Putting the two back
gives the published file bit for bit, so the published MD5 covers the compressed data that we unpack.
"""

import gzip
import hashlib
import struct
import sys
from pathlib import Path

SOURCE = Path("/usr/share/datasets/fashion-mnist")
TARGET = Path(__file__).parents[1] / "src/onelayer/data/files/fashion-mnist"

# name: (seconds since 1970 in the original gzip header, MD5 from the README of zalandoresearch/fashion-mnist)
PUBLISHED = {
    "train-images-idx3-ubyte": (1504176606, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    "train-labels-idx1-ubyte": (1504176606, "25c81989df183df01b3e8a0aad5dffbe"),
    "t10k-images-idx3-ubyte": (1504176627, "bef4ecab320f06d8554ea6380940ec79"),
    "t10k-labels-idx1-ubyte": (1504176627, "bb300cfdad3c16e7a12a480ee83cd310"),
}

HAS_NAME, UNIX, PLAIN_HEADER_SIZE = 8, 3, 10  # gzip header fields, RFC 1952


def with_original_header(compressed: bytes, name: str, time: int) -> bytes:
    """Return the gzip file with the header that ``gzip NAME`` wrote at ``time``."""
    magic_and_method = compressed[:3]
    header = magic_and_method + struct.pack("<BIBB", HAS_NAME, time, 0, UNIX)
    return header + name.encode() + b"\0" + compressed[PLAIN_HEADER_SIZE:]


def main() -> None:
    """Check and unpack the four files."""
    for name, (time, md5) in PUBLISHED.items():
        original = with_original_header((SOURCE / f"{name}.gz").read_bytes(), name, time)
        found = hashlib.md5(original).hexdigest()
        if found != md5:
            sys.exit(f"error: {name}.gz has MD5 {found}, published is {md5}")
        raw = gzip.decompress(original)
        (TARGET / name).write_bytes(raw)
        print(f"{name}: MD5 as published, SHA-256 {hashlib.sha256(raw).hexdigest()}")


if __name__ == "__main__":
    main()
