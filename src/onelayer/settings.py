"""How to train: what the user may choose, what follows from the data if he does not, and what fits together."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

from onelayer.data import Dataset
from onelayer.errors import OneLayerError
from onelayer.training import Way, check_settings

ModelKind = Literal["softmax", "linear", "mlp", "phm"]
Solver = Literal["sgd", "exact", "newton"]

DEFAULT_VALID = 0.2


@dataclass(frozen=True)
class Settings:
    """How to train. What is None follows from the data and the other settings.

    Attributes:
        model: the network; softmax regression for classes, linear regression for numbers.
        way: which of the three implementations of SGD; fused, or concise for the networks that need it.
        solver: minibatch SGD, or the exact minimum of linear or softmax regression; of softmax regression it is found
            by Newton's steps, so there ``"newton"`` is another name of ``"exact"``, and becomes it.
        C: the exact solver's weight of the data against ½ ‖W‖², for softmax regression (on standardised columns).
        epochs: passes over the training rows.
        batch_size: rows a step.
        lr: the learning rate.
        valid: the share of the training rows to hold out; 0.2, or 0 where the data have a test set.
        seed: sets the initial weights, the split and the order of the rows.
        hidden: units in the MLP's hidden layer.
        phm_n: n of the PHM layer.
        device: where to compute.
    """

    model: ModelKind | None = None
    way: Way | None = None
    solver: Solver = "sgd"
    C: float = 1.0
    epochs: int = 10
    batch_size: int = 256
    lr: float = 0.1
    valid: float | None = None
    seed: int = 0
    hidden: int = 256
    phm_n: int = 2
    device: str = "auto"

    def for_data(self, dataset: Dataset) -> "Settings":
        """Return the settings with nothing left open, for a data set.

        Raises:
            OneLayerError: if a setting is out of range, or they do not fit each other or the data.
        """
        model = self.model or ("softmax" if dataset.classes else "linear")
        way = self.way or ("concise" if model in ("mlp", "phm") else "fused")
        valid = self.valid
        if valid is None:
            valid = DEFAULT_VALID if dataset.test is None else 0.0
        complete = replace(self, model=model, way=way, valid=valid)
        complete._check(dataset, valid)
        return replace(complete, solver="exact") if self.solver == "newton" else complete

    def _check(self, dataset: Dataset, valid: float) -> None:
        for name, kind in (("model", ModelKind), ("way", Way), ("solver", Solver)):
            if getattr(self, name) not in get_args(kind):
                allowed = ", ".join(get_args(kind))
                raise OneLayerError(f"{name} must be one of {allowed}, not {getattr(self, name)!r}")
        check_settings(self.epochs, self.batch_size, self.lr)
        if not 0 <= valid < 1:
            raise OneLayerError(f"valid must be at least 0 and below 1, not {valid}")
        if self.hidden < 1:
            raise OneLayerError(f"hidden must be at least 1, not {self.hidden}")
        if not 0 <= self.seed < 2**63:
            raise OneLayerError(f"the seed must be at least 0 and below 2⁶³, not {self.seed}")
        if self.model == "linear" and dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is one of {len(dataset.classes)} classes; linear "
                "regression predicts a number: use --model softmax"
            )
        if self.model == "softmax" and not dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is a number; softmax regression predicts a class: "
                "use --model linear"
            )
        if self.solver != "sgd" and self.model not in ("linear", "softmax"):
            raise OneLayerError(
                f"the exact solver is for one layer (--model linear, softmax), not {self.model}"
            )
        if self.solver == "newton" and self.model == "linear":
            raise OneLayerError(
                f"the solver newton is for classes, and the target {dataset.target!r} is a number: use --solver exact"
            )
        if not 0 < self.C < math.inf:
            raise OneLayerError(f"C must be a positive number, not {self.C}")
        if self.model in ("mlp", "phm") and self.way != "concise":
            raise OneLayerError(f"only --way concise trains the model {self.model}, not {self.way}")
