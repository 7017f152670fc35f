"""
SGD against the exact solution
==============================

The minimum of the loss is known for linear regression, so the distance of SGD from it can be measured. A small
learning rate comes near slowly; a larger one comes fast and then stays at a level that its noise sets; one above
2/λ_max diverges.
"""

from matplotlib.figure import Figure

from onelayer import DivergenceError, LinearRegression, Rows, fit, houses, linear_regression

rows = houses().train
X = (rows.X - rows.X.mean(axis=0)) / rows.X.std(axis=0)
y = (rows.y - rows.y.mean()) / rows.y.std()
standard = Rows(X, y)

exact = LinearRegression().fit(X, y[:, 0])
least = 0.5 * ((y[:, 0] - exact.predict(X)) ** 2).mean()
print(f"the least loss is {least:.6f}")

# %%
# A rate that is too large stops, and says which is the largest stable one, estimated from the data.

try:
    fit(linear_regression(2, 1), standard, lr=3.0)
except DivergenceError as error:
    print(f"learning rate {error.lr:g} diverged; stable up to about {error.largest_stable_lr:.2f}")

# %%
# The runs start from the same weights and visit the same batches. After each epoch the loss is measured on all rows.

figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.add_subplot(xlabel="epoch", ylabel="loss above the minimum", yscale="log")
for lr in (0.001, 0.01, 0.1, 1.0):
    history = fit(linear_regression(2, 1), standard, held_out=standard, lr=lr, epochs=20, batch_size=64)
    above = [record.held_out_loss - least for record in history.epochs]
    axes.plot(range(1, 21), above, marker="o", markersize=3, label=f"learning rate {lr:g}")
axes.set_xticks(range(0, 21, 5))
axes.legend()
axes.grid(alpha=0.3)
figure
