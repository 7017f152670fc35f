"""The module that the book's listings import: ``from onelayer import d2l`` for ``from d2l import torch as d2l``.

The names that the chapters on linear networks and multilayer perceptrons of *Dive into Deep Learning* use, in both
editions (d2l 0.17 and 1.x), with the book's arguments, defaults and return shapes, on bundled data; and the modules
that the book's module has names for.
"""

import collections
import hashlib
import inspect
import math
import os
import random
import re
import shutil
import sys
import tarfile
import time
import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib import pyplot as plt
from PIL import Image
from torch import nn
from torch.nn import Module as nn_Module
from torch.nn import functional as F  # noqa: N812 - the book's name
from torch.utils import data

from onelayer.d2l import torchvision
from onelayer.d2l.chapter3 import (
    Accumulator,
    TrainingError,
    TrainingWarning,
    accuracy,
    evaluate_accuracy,
    evaluate_loss,
    linreg,
    predict_ch3,
    sgd,
    squared_loss,
    synthetic_data,
    train_ch3,
    train_epoch_ch3,
)
from onelayer.d2l.downloads import DATA_HUB, DATA_URL, download, download_all, download_extract, extract
from onelayer.d2l.figures import plot, set_axes, set_figsize, show_images, use_svg_display
from onelayer.d2l.live import Animator
from onelayer.d2l.loaders import (
    get_dataloader_workers,
    get_fashion_mnist_labels,
    load_array,
    load_data_fashion_mnist,
)
from onelayer.d2l.names import MODULES, module_or_error
from onelayer.d2l.tensors import (
    abs,
    arange,
    argmax,
    astype,
    batch_matmul,
    concat,
    cos,
    cosh,
    exp,
    expand_dims,
    eye,
    float32,
    int32,
    int64,
    linspace,
    log,
    matmul,
    meshgrid,
    normal,
    numpy,
    ones,
    ones_like,
    rand,
    randn,
    reduce_mean,
    reduce_sum,
    repeat,
    reshape,
    sigmoid,
    sin,
    sinh,
    size,
    stack,
    swapaxes,
    tanh,
    tensor,
    to,
    transpose,
    zeros,
    zeros_like,
)
from onelayer.d2l.torchvision import transforms
from onelayer.d2l.v1 import (
    SGD,
    Classifier,
    DataModule,
    FashionMNIST,
    HyperParameters,
    LinearRegression,
    LinearRegressionScratch,
    Module,
    ProgressBoard,
    SoftmaxRegression,
    SyntheticRegressionData,
    Trainer,
    add_to_class,
    cpu,
    gpu,
    num_gpus,
    try_all_gpus,
    try_gpu,
)
from onelayer.timer import Timer

__all__ = [
    "DATA_HUB",
    "DATA_URL",
    "SGD",
    "Accumulator",
    "Animator",
    "Classifier",
    "DataModule",
    "F",
    "FashionMNIST",
    "HyperParameters",
    "Image",
    "LinearRegression",
    "LinearRegressionScratch",
    "Module",
    "ProgressBoard",
    "SoftmaxRegression",
    "SyntheticRegressionData",
    "Timer",
    "Trainer",
    "TrainingError",
    "TrainingWarning",
    "abs",
    "accuracy",
    "add_to_class",
    "arange",
    "argmax",
    "astype",
    "batch_matmul",
    "collections",
    "concat",
    "cos",
    "cosh",
    "cpu",
    "data",
    "defaultdict",
    "download",
    "download_all",
    "download_extract",
    "evaluate_accuracy",
    "evaluate_loss",
    "exp",
    "expand_dims",
    "extract",
    "eye",
    "float32",
    "get_dataloader_workers",
    "get_fashion_mnist_labels",
    "gpu",
    "hashlib",
    "inspect",
    "int32",
    "int64",
    "linreg",
    "linspace",
    "load_array",
    "load_data_fashion_mnist",
    "log",
    "math",
    "matmul",
    "meshgrid",
    "nn",
    "nn_Module",
    "normal",
    "np",
    "num_gpus",
    "numpy",
    "ones",
    "ones_like",
    "os",
    "plot",
    "plt",
    "predict_ch3",
    "rand",
    "randn",
    "random",
    "re",
    "reduce_mean",
    "reduce_sum",
    "repeat",
    "reshape",
    "set_axes",
    "set_figsize",
    "sgd",
    "show_images",
    "shutil",
    "sigmoid",
    "sin",
    "sinh",
    "size",
    "squared_loss",
    "stack",
    "swapaxes",
    "synthetic_data",
    "sys",
    "tanh",
    "tarfile",
    "tensor",
    "time",
    "to",
    "torch",
    "torchvision",
    "train_ch3",
    "train_epoch_ch3",
    "transforms",
    "transpose",
    "try_all_gpus",
    "try_gpu",
    "use_svg_display",
    "zeros",
    "zeros_like",
    "zipfile",
]

pd: Any  # this and the others in MODULES are imported when they are first asked for
requests: Any
display: Any
backend_inline: Any

if not TYPE_CHECKING:  # a type checker is to see the names above and no others

    def __getattr__(name: str) -> Any:
        """Return a module of the book's; of a name of another chapter, say what is here."""
        return module_or_error(name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *MODULES})
