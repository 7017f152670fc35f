"""Linear and softmax regression behind scikit-learn's contract, on the exact solvers."""

from onelayer.estimators.linear_regression import LinearRegression
from onelayer.estimators.selection_linear import LinearRegressionCV
from onelayer.estimators.softmax_regression import SoftmaxRegression
from onelayer.estimators.summary import Summary

__all__ = ["LinearRegression", "LinearRegressionCV", "SoftmaxRegression", "Summary"]
