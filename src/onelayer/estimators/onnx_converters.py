"""Converters for skl2onnx, which makes one ONNX graph of a whole pipeline: ours are its last step."""

from typing import Any

import numpy as np

from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import plain
from onelayer.estimators.linear_regression import LinearRegression
from onelayer.estimators.offsets import check_exports
from onelayer.estimators.onnx_export import Steps, linear_steps, softmax_steps
from onelayer.estimators.selection_linear import LinearRegressionCV
from onelayer.estimators.selection_softmax import SoftmaxRegressionCV
from onelayer.estimators.softmax_regression import SoftmaxRegression

OPTIONS = {  # of classifiers, as skl2onnx has them: what the parser does, and scores in the place of probabilities
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


def register_onnx() -> None:
    """Let ``skl2onnx.to_onnx`` and ``convert_sklearn`` convert pipelines that end in our estimators.

    skl2onnx looks for no plug-ins, so this is called once before it. Coefficients are rounded to the type of the
    graph's input, float32 or float64.

    Raises:
        OneLayerError: if skl2onnx is not installed.

    Example:
        >>> from skl2onnx import to_onnx
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from onelayer import LinearRegression, houses, register_onnx
        >>> rows = houses().train
        >>> pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(rows.X, rows.y[:, 0])
        >>> register_onnx()
        >>> [node.op_type for node in to_onnx(pipeline, rows.X[:1]).graph.node]
        ['Sub', 'Div', 'Gemm']
    """
    try:
        from skl2onnx import update_registered_converter
        from skl2onnx.common import shape_calculator as shapes
    except ImportError:
        raise OneLayerError("pipelines need the package skl2onnx: pip install 'onelayer[onnx]'") from None
    for linear in (LinearRegression, LinearRegressionCV):
        shape = shapes.calculate_linear_regressor_output_shapes
        update_registered_converter(linear, f"Onelayer{linear.__name__}", shape, _convert_linear)
    for softmax in (SoftmaxRegression, SoftmaxRegressionCV):
        shape, name = shapes.calculate_linear_classifier_output_shapes, f"Onelayer{softmax.__name__}"
        update_registered_converter(softmax, name, shape, _convert_softmax, options=OPTIONS)


def _convert_linear(scope: Any, operator: Any, container: Any) -> None:
    fitted, dtype = _fitted(operator), _input_type(operator)
    weight, bias = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
    steps = linear_steps(weight.astype(dtype), bias.astype(dtype))
    _add(scope, operator, container, steps, {"variable": operator.outputs[0]})


def _convert_softmax(scope: Any, operator: Any, container: Any) -> None:
    fitted, dtype = _fitted(operator), _input_type(operator)
    options = container.get_options(operator.raw_operator, {"raw_scores": False, "nocl": False})
    classes = np.arange(len(fitted.classes_)) if options["nocl"] else fitted.classes_
    steps = softmax_steps(fitted.coef_.astype(dtype), fitted.intercept_.astype(dtype), classes)
    scores = "logits" if options["raw_scores"] else "probabilities"
    _add(scope, operator, container, steps, {"label": operator.outputs[0], scores: operator.outputs[1]})


def _fitted(operator: Any) -> Any:
    """Return the estimator, with NumPy's arrays."""
    fitted = getattr(operator.raw_operator, "estimator_", operator.raw_operator)
    check_exports(fitted._has_offset)
    return plain(fitted)


def _input_type(operator: Any) -> type[np.floating[Any]]:
    """Return the type to compute in: that of the graph's features, or float32 if they are not floats."""
    from skl2onnx.common.data_types import DoubleTensorType

    return np.float64 if isinstance(operator.inputs[0].type, DoubleTensorType) else np.float32


def _add(scope: Any, operator: Any, container: Any, steps: Steps, outputs: dict[str, Any]) -> None:
    """Add the nodes that lead to outputs, under names that are free, and have the graph's outputs follow."""
    from onnx import helper

    names = {"X": _features(scope, operator, container)}
    names |= {name: variable.full_name for name, variable in outputs.items()}
    for name, value in steps.constants.items():
        names[name] = scope.get_unique_variable_name(name)
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        container.add_initializer(names[name], kind, value.shape, value.ravel().tolist())
    for operation, taken, given, attributes in steps.nodes:
        name = names.setdefault(given, scope.get_unique_variable_name(given))
        node = scope.get_unique_operator_name(operation)
        container.add_node(operation, [names[one] for one in taken], name, name=node, **attributes)


def _features(scope: Any, operator: Any, container: Any) -> str:
    """Return the name of the features as floats."""
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    given = operator.inputs[0]
    if isinstance(given.type, FloatTensorType | DoubleTensorType):
        return str(given.full_name)
    name = str(scope.get_unique_variable_name("features"))
    container.add_node(
        "Cast", given.full_name, name, name=scope.get_unique_operator_name("Cast"), to=TensorProto.FLOAT
    )
    return name
