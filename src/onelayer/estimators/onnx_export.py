"""Fitted estimators as ONNX graphs, with the names of inputs and outputs that skl2onnx has made usual."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer import __version__
from onelayer.errors import OneLayerError
from onelayer.files import write_whole

OPSET = 13  # the first in which Softmax works along one axis
IR_VERSION = 8

Node = tuple[str, tuple[str, ...], str, dict[str, int]]


@dataclass(frozen=True)
class Steps:
    """From features (n, d) to a model's outputs, as operators of ONNX.

    Attributes:
        nodes: the operator, what it takes ("X" are the features), what it gives, and its attributes.
        constants: by name, what nodes take besides.
        outputs: what the last nodes give.
    """

    nodes: tuple[Node, ...]
    constants: dict[str, NDArray[Any]]
    outputs: tuple[str, ...]


def linear_steps(weight: NDArray[Any], bias: NDArray[Any]) -> Steps:
    """Return y = Wx + b, "variable" (n, q), for a weight (q, d) and bias (q,)."""
    node = ("Gemm", ("X", "weight", "bias"), "variable", {"transB": 1})
    return Steps((node,), {"weight": weight, "bias": bias}, ("variable",))


def softmax_steps(weight: NDArray[Any], bias: NDArray[Any], classes: NDArray[Any]) -> Steps:
    """Return softmax regression: "label" (n,) and "probabilities" (n, q).

    Args:
        weight: W (q, d), or (1, d) for the logit of the second of two classes.
        bias: b (q,), or (1,).
        classes: (q,), texts or integers; booleans and floats become integers.

    Raises:
        OneLayerError: if a class is neither text nor an integer.
    """
    to_probabilities: tuple[str, dict[str, int]] = ("Softmax", {"axis": 1})
    if len(weight) == 1:
        # The probabilities of −z and z by the logistic function are those of 0 and z by softmax.
        weight, bias = np.vstack([-weight, weight]), np.r_[-bias, bias]
        to_probabilities = ("Sigmoid", {})
    nodes: tuple[Node, ...] = (
        ("Gemm", ("X", "weight", "bias"), "logits", {"transB": 1}),
        ("ArgMax", ("logits",), "index", {"axis": 1, "keepdims": 0}),
        ("Gather", ("classes", "index"), "label", {}),
        (to_probabilities[0], ("logits",), "probabilities", to_probabilities[1]),
    )
    constants = {"weight": weight, "bias": bias, "classes": _names(classes)}
    return Steps(nodes, constants, ("label", "probabilities"))


def write_linear_regression(path: str | Path, weight: NDArray[Any], bias: NDArray[Any]) -> None:
    """Write y = Wx + b for a weight (q, d) and bias (q,), from "X" (n, d) to "variable" (n, q).

    Raises:
        OneLayerError: if onnx is not installed or the file cannot be written.
    """
    helper, number = _helper(), _element_type(weight.dtype)
    outputs = [helper.make_tensor_value_info("variable", number, [None, len(weight)])]
    _write(path, "LinearRegression", linear_steps(weight, bias), outputs)


def write_softmax_regression(
    path: str | Path, weight: NDArray[Any], bias: NDArray[Any], classes: NDArray[Any]
) -> None:
    """Write softmax regression, from "X" (n, d) to "label" (n,) and "probabilities" (n, q).

    Raises:
        OneLayerError: as ``softmax_steps`` and ``write_linear_regression``.
    """
    helper, number = _helper(), _element_type(weight.dtype)
    steps = softmax_steps(weight, bias, classes)
    names = steps.constants["classes"]
    outputs = [
        helper.make_tensor_value_info("label", _element_type(names.dtype), [None]),
        helper.make_tensor_value_info("probabilities", number, [None, len(names)]),
    ]
    _write(path, "SoftmaxRegression", steps, outputs)


def _names(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes as an array of texts or of int64."""
    if all(isinstance(name, str) for name in classes.tolist()):
        return classes.astype(object)
    try:
        whole = classes.astype(np.int64)
    except (TypeError, ValueError):
        whole = np.zeros(0, np.int64)
    if not np.array_equal(whole, classes):
        raise OneLayerError(f"ONNX knows classes that are texts or integers, not {classes.tolist()}")
    return whole


def _helper() -> Any:
    try:
        import onnx.helper
    except ImportError:
        raise OneLayerError("ONNX files need the package onnx: pip install 'onelayer[onnx]'") from None
    return onnx.helper


def _element_type(dtype: np.dtype[Any]) -> int:
    return int(_helper().np_dtype_to_tensor_dtype(dtype))


def _write(path: str | Path, name: str, steps: Steps, outputs: list[Any]) -> None:
    """Write the graph from an input "X" (n, d) through nodes to outputs, whole or not at all."""
    from onnx import checker, numpy_helper

    helper, weight = _helper(), steps.constants["weight"]
    graph = helper.make_graph(
        [
            helper.make_node(operator, list(taken), [given], **attributes)
            for operator, taken, given, attributes in steps.nodes
        ],
        name,
        [helper.make_tensor_value_info("X", _element_type(weight.dtype), [None, weight.shape[1]])],
        outputs,
        [numpy_helper.from_array(value, constant) for constant, value in steps.constants.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="onelayer",
        producer_version=__version__,
    )
    checker.check_model(model, full_check=True)
    write_whole({Path(path): model.SerializeToString()})
