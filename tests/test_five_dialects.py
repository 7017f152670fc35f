"""Tables of R's packages and of scikit-learn in five dialects; tools/sweep_dialects.py tries more."""

import pytest

from five_dialects import differences, frames

NAMES = [
    ("datasets", "iris"),
    ("datasets", "mtcars"),
    ("datasets", "airquality"),
    ("datasets", "ToothGrowth"),
    ("AER", "Journals"),
    ("HistData", "Galton"),
    ("openintro", "mariokart"),
    ("wooldridge", "wage1"),
]
FRAMES = list(frames(NAMES))


@pytest.mark.parametrize(("name", "frame"), FRAMES, ids=[name for name, _ in FRAMES])
def test_a_table_is_the_same_in_five_dialects(tmp_path, name, frame):
    assert not differences(frame, tmp_path)
