"""Mutants of delimited text and Parquet: each is read, or refused in one line; see mutants.py for FUZZ_MUTANTS."""

import gzip
import io
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import zstandard
from mutants import limits, mutant, seeds
from onelayer import open_data

MOST_BYTES = 2**25  # the originals have some thousand
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "gb18030")
TOKENS = (
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b'"',
        b'""',
        b'","',
        b"'",
        b"\\",
        b",",
        b";",
        b"\t",
        b"|",
        b"\0",
        b"\xff\xfe",
    ),
    *(
        b"#",
        b"sep=;",
        b"nan",
        b"NA",
        b"-inf",
        b"1e999",
        b"1,5",
        b"1.234,5",
        b"31.12.2024",
        b"2024-02-30",
        b"yes",
    ),
)
OPTIONS = (
    {},
    {"missing": "drop"},
    {"missing": "mean"},
    {"categorical": ["city"]},
    {"date_parts": ["days", "month", "hour"], "missing": "drop"},
)


def text(r: np.random.Generator) -> bytes:
    """Return a table of numbers, truth values, categories and dates, in some dialect."""
    separator = str(r.choice([",", ";", "\t"]))
    quote = '"' if r.random() < 0.5 else ""
    rows = [["size", "open", "city", "day", "y"]]
    for i in range(int(r.integers(3, 40))):
        size = f"{r.normal():.3f}".replace(".", "," if separator == ";" else ".")
        city = f"{quote}{r.choice(['Köln', 'Bonn', 'Ulm'])}{quote}"
        rows.append([size, str(r.choice(["yes", "no"])), city, f"2024-{i % 12 + 1:02}-07", str(i % 7)])
    end = str(r.choice(["\n", "\r\n"]))
    return "".join(separator.join(row) + end for row in rows).encode(str(r.choice(ENCODINGS)))


def parquet(r: np.random.Generator) -> bytes:
    """Return the same as Parquet, in a few row groups."""
    n = int(r.integers(3, 40))
    table = pa.table(
        {
            "size": r.normal(size=n),
            "open": r.random(n) < 0.5,
            "city": pa.array(r.choice(["Köln", "Bonn", "Ulm"], n)).dictionary_encode(),
            "day": pa.array(r.integers(0, 20_000, n).astype(np.int32)).cast(pa.date32()),
            "y": pa.array(np.arange(n) % 7, mask=np.arange(n) == 1),
        }
    )
    file = io.BytesIO()
    compression = str(r.choice(["none", "snappy", "zstd", "gzip"]))
    pq.write_table(table, file, row_group_size=10, compression=compression)
    return file.getvalue()


def check(path: Path, seed: int) -> None:
    """Open a mutant."""
    with limits(f"{path.name}, mutant {seed}", MOST_BYTES):
        data = open_data(path, "y", **OPTIONS[seed % len(OPTIONS)])
        assert data.train.X.shape == (len(data.train.y), len(data.features))
        X = data.train.X
        assert not np.isinf(X).any() and (data.encoding.missing != "error" or not np.isnan(X).any())


@pytest.mark.parametrize("share", range(2))
def test_mutants_of_delimited_text(tmp_path, share):
    for seed, r in enumerate(seeds()):
        if seed % 2 != share:
            continue
        compress = (bytes, bytes, bytes, partial(gzip.compress, mtime=0), zstandard)[r.integers(5)]
        original = text(r)
        if r.random() < 0.8:
            found = compress(mutant(original, r, TOKENS, text(r)))
        else:
            found = mutant(compress(original), r, TOKENS)
        (tmp_path / "t.csv").write_bytes(found)
        check(tmp_path / "t.csv", seed)


@pytest.mark.parametrize("share", range(2))
def test_mutants_of_parquet(tmp_path, share):
    for seed, r in enumerate(seeds()):
        if seed % 2 != share:
            continue
        (tmp_path / "t.parquet").write_bytes(mutant(parquet(r), r, (b"PAR1",), parquet(r)))
        check(tmp_path / "t.parquet", seed)
