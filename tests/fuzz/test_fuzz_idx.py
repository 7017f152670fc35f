"""Mutants of IDX files: each is read as what it says, or refused in one line; see mutants.py for FUZZ_MUTANTS."""

import gzip
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from conftest import idx_bytes, zstandard
from mutants import limits, mutant, seeds
from onelayer import Model, open_data
from onelayer.inputs import labelled_rows

COMPRESSIONS = (bytes, partial(gzip.compress, mtime=0), zstandard)
TYPES = [bytes([0, 0, code, dimensions]) for code in (8, 9, 11, 12, 13, 14) for dimensions in (1, 2, 3)]
MOST_BYTES = 2**24  # the originals have some hundred


def originals(r):
    """Yield names and contents of files of 20 and 8 images of 3×2, with labels as bytes or as int32."""
    for part, n in (("train", 20), ("t10k", 8)):
        yield f"{part}-images-idx3-ubyte", idx_bytes(r.integers(0, 256, (n, 3, 2)))
        labels = np.arange(n) % 3
        as_integers = bytes([0, 0, 12, 1]) + n.to_bytes(4, "big") + labels.astype(">i4").tobytes()
        yield f"{part}-labels-idx1-ubyte", as_integers if r.random() < 0.5 else idx_bytes(labels)


def write_mutants(folder: Path, r: np.random.Generator) -> None:
    """Write a folder in which one or two of the four files are mutants, before or after they are compressed."""
    files = dict(originals(r))
    changed = r.choice(list(files), r.integers(1, 3), replace=False).tolist()
    for name, content in files.items():
        compress = COMPRESSIONS[r.integers(len(COMPRESSIONS))]
        other = files[str(r.choice(list(files)))]
        if name not in changed:
            found = compress(content)
        elif r.random() < 0.7:
            found = compress(mutant(content, r, TYPES, other))
        else:
            found = mutant(compress(content), r, TYPES, compress(other))
        (folder / name).write_bytes(found)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    weight = np.random.default_rng(0).normal(size=(3, 6))
    nothing = {"hidden_weight": None, "hidden_bias": None, "encoding": None, "feature_mean": None}
    about = {"kind": "softmax", "data": "tiny", "target": "label", "features": (), "settings": {}}
    return Model(
        weight=weight, bias=np.zeros(3), classes=("0", "1", "2"), image_shape=(3, 2), **nothing, **about
    )


def test_mutants_of_idx_files(tmp_path, model):
    for seed, r in enumerate(seeds()):
        write_mutants(tmp_path, r)
        with limits(f"training, mutant {seed}", MOST_BYTES):
            data = open_data(tmp_path, transpose=bool(seed % 2))
            for rows in (data.train, data.test):
                assert rows.X.dtype == np.uint8 and rows.X.shape == (len(rows.y), np.prod(data.image_shape))
                assert set(rows.y.tolist()) <= set(range(len(data.classes)))
        with limits(f"evaluation, mutant {seed}", MOST_BYTES):
            rows = labelled_rows(model, tmp_path)
            assert rows.X.shape == (len(rows.y), 6) and set(rows.y.tolist()) <= {0, 1, 2}
        with limits(f"prediction, mutant {seed}", MOST_BYTES):
            assert set(model.predict(tmp_path / "t10k-images-idx3-ubyte")) <= {"0", "1", "2"}
