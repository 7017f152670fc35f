"""One-layer neural networks, linear regression and softmax regression, done properly.

Names are imported when they are first used (PEP 562): ``import onelayer`` itself is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Dataset": "onelayer.data",
    "Rows": "onelayer.data",
    "fashion_mnist": "onelayer.data",
    "houses": "onelayer.data",
    "open_data": "onelayer.data",
    "scan": "onelayer.data.scanning",
    "synthetic": "onelayer.data",
    "PHMLinear": "onelayer.models",
    "linear_regression": "onelayer.models",
    "mlp": "onelayer.models",
    "phm": "onelayer.models",
    "softmax_regression": "onelayer.models",
    "LinearRegression": "onelayer.estimators",
    "SoftmaxRegression": "onelayer.estimators",
    "LinearRegressionCV": "onelayer.estimators",
    "SoftmaxRegressionCV": "onelayer.estimators",
    "register_onnx": "onelayer.estimators.onnx_converters",
    "evaluate": "onelayer.training",
    "fit": "onelayer.training",
    "Settings": "onelayer.settings",
    "train": "onelayer.experiments",
    "Model": "onelayer.model",
    "Timer": "onelayer.timer",
    "DivergenceError": "onelayer.errors",
    "OneLayerError": "onelayer.errors",
}

_MODULES = ("d2l", "data", "estimators", "exercises", "functional", "models", "plots", "training")

if TYPE_CHECKING:
    from onelayer.data import Dataset as Dataset
    from onelayer.data import Rows as Rows
    from onelayer.data import fashion_mnist as fashion_mnist
    from onelayer.data import houses as houses
    from onelayer.data import open_data as open_data
    from onelayer.data import synthetic as synthetic
    from onelayer.data.scanning import scan as scan
    from onelayer.errors import DivergenceError as DivergenceError
    from onelayer.errors import OneLayerError as OneLayerError
    from onelayer.estimators import LinearRegression as LinearRegression
    from onelayer.estimators import LinearRegressionCV as LinearRegressionCV
    from onelayer.estimators import SoftmaxRegression as SoftmaxRegression
    from onelayer.estimators import SoftmaxRegressionCV as SoftmaxRegressionCV
    from onelayer.estimators.onnx_converters import register_onnx as register_onnx
    from onelayer.experiments import train as train
    from onelayer.model import Model as Model
    from onelayer.models import PHMLinear as PHMLinear
    from onelayer.models import linear_regression as linear_regression
    from onelayer.models import mlp as mlp
    from onelayer.models import phm as phm
    from onelayer.models import softmax_regression as softmax_regression
    from onelayer.settings import Settings as Settings
    from onelayer.timer import Timer as Timer
    from onelayer.training import evaluate as evaluate
    from onelayer.training import fit as fit

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import the module that a public name lives in and return the name's value."""
    if name not in _MODULES and name not in _HOMES:
        raise AttributeError(f"module 'onelayer' has no attribute {name!r}")
    from onelayer.errors import torch_needed

    with torch_needed(f"onelayer.{name}"):
        if name in _MODULES:
            return import_module(f"onelayer.{name}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *_MODULES, "__version__"]
