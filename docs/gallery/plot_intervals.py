"""
The price of a house, with intervals
====================================

Least squares on 2,930 sales: price by living area (ft²) and age (years). The summary says how well the rows determine
each coefficient; here its errors are robust to variances that differ from house to house (HC3).
"""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from onelayer import LinearRegression, houses

rows = houses().train
table = pa.table({"area": rows.X[:, 0], "age": rows.X[:, 1]})
model = LinearRegression().fit(table, rows.y[:, 0])
print(model.summary(cov="HC3"))

# %%
# Two intervals for houses that are 20 years old: a confidence interval of the mean price, which the many rows make
# narrow, and a prediction interval for the next house, which the noise keeps wide.

area = np.linspace(500, 4000, 100)
wanted = pa.table({"area": area, "age": np.full(100, 20.0)})
figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.add_subplot(xlabel="living area (ft²)", ylabel="price (USD)", title="houses 20 years old")
near = np.abs(rows.X[:, 1] - 20) < 5
axes.scatter(rows.X[near, 0], rows.y[near, 0], s=8, color="#777777", label="sales, 15 to 25 years old")
for interval, opacity in (("prediction", 0.2), ("confidence", 0.6)):
    mean, ends = model.predict(wanted, interval=interval, level=0.95)
    axes.fill_between(area, *ends.T, alpha=opacity, color="#0072B2", label=f"95% {interval} interval")
axes.plot(area, mean, color="#D55E00", label="mean")
axes.legend()
figure
