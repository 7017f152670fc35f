"""
More rows than memory is to hold
================================

``scan`` gives the rows of files to an estimator in the place of X and y. They are read again in each pass, block by
block, within the memory that is named. Here it is ten files with a million rows; ten thousand are read the same way.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from onelayer import LinearRegression, scan

PARTS, ROWS, D = 10, 100_000, 8
true = np.arange(1, D + 1) / D
generator = np.random.default_rng(0)
folder = TemporaryDirectory()
for part in range(PARTS):
    X = generator.standard_normal((ROWS, D))
    y = X @ true + 20 * generator.standard_normal(ROWS)
    columns = {f"x{j + 1}": X[:, j] for j in range(D)} | {"y": y}
    pq.write_table(pa.table(columns), Path(folder.name) / f"part-{part}.parquet")

rows = scan(folder.name, target="y", memory="500MB")
model = LinearRegression().fit(rows)
summary = model.summary()
print(summary)

# %%
# The noise is twenty times the largest weight, and a million rows still tell the weights apart.

figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.add_subplot(xlabel="feature", ylabel="weight")
low, high = summary.interval[1:].T
axes.vlines(range(1, D + 1), low, high, color="#0072B2", linewidth=3, label="95% interval")
axes.plot(range(1, D + 1), true, "_", color="#D55E00", markersize=18, label="true")
axes.legend()
axes.grid(alpha=0.3)
folder.cleanup()
figure
