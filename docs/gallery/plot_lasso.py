"""
The path of the lasso, and the penalty that folds choose
========================================================

An l1 penalty leaves features out. The stronger it is, the fewer are in; five folds tell how strong it should be.
"""

from sklearn.datasets import load_diabetes

from onelayer import LinearRegressionCV, plots

X, y = load_diabetes(return_X_y=True, as_frame=True)
model = LinearRegressionCV(l1_ratio=1.0, cv=5, rule="1se").fit(X, y)
print(f"alpha = {model.alpha_:.3g}")
for name, weight in zip(model.feature_names_in_, model.coef_, strict=True):
    print(f"{name:4} {weight:8.1f}")

# %%
# On the left the error on the fold that was left out, with its standard error. The rule "1se" takes the strongest
# penalty whose error is within one standard error of the least. On the right the coefficients along the path.

plots.selection(model)
