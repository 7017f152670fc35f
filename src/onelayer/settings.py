"""How to train: what the user may choose, what follows from the data if he does not, and what fits together."""

import math
import warnings
from dataclasses import dataclass
from typing import Literal, get_args

from onelayer.data.dataset import Dataset
from onelayer.errors import OneLayerError
from onelayer.inference.robust import Cov
from onelayer.selection.choice import Rule
from onelayer.solvers.epoch import Way, check_count, check_settings

ModelKind = Literal["softmax", "linear", "mlp", "phm"]
Solver = Literal["auto", "direct", "newton", "lbfgs", "newton-cg", "coordinate", "proximal", "sgd"]

DEFAULT_VALID = 0.2
SOLVERS: dict[ModelKind, tuple[Solver, ...]] = {  # of each model; what "auto" is, first
    "linear": ("direct", "coordinate", "sgd"),
    "softmax": (
        "auto",
        "newton",
        "lbfgs",
        "newton-cg",
        "proximal",
        "sgd",
    ),  # the solver itself chooses, by the problem's size
    "mlp": ("sgd",),
    "phm": ("sgd",),
}
OF_L1: dict[ModelKind, Solver] = {"linear": "coordinate", "softmax": "proximal"}


@dataclass(frozen=True)
class Settings:
    """How to train. What is None follows from the data and the other settings.

    Attributes:
        model: the network; softmax regression for classes, linear regression for numbers.
        way: which of the three implementations of SGD; fused, or concise for the networks that need it.
        solver: how the minimum is found. ``"sgd"`` is minibatch SGD. The others go to the exact minimum: ``"direct"``
            solves linear regression, ``"newton"``, ``"lbfgs"`` and ``"newton-cg"`` softmax regression, ``"coordinate"``
            descent and ``"proximal"`` Newton the one and the other with an l1. ``"auto"`` is the exact solver that
            suits the problem, or SGD for a network that has none. If it is not given, a one-layer model of a table is
            solved exactly, unless one of the settings of SGD is; everything else is trained by SGD. ``"exact"`` is an
            old name.
        C: the exact solvers' weight of the data against ½ ‖W‖², for softmax regression: scikit-learn's, for weights on
            the features in the user's units. If it is not given, tables have no penalty (infinite), images 1.
        alpha: the exact solver's penalty alpha ‖W‖² for linear regression: scikit-learn's.
        l1_ratio: how much of the penalty is ‖W‖₁, which leaves features out, from 0 to 1: the penalty is
            alpha ((1 − l1_ratio) ‖W‖² + 2 l1_ratio ‖W‖₁), or ((1 − l1_ratio) ½ ‖W‖² + l1_ratio ‖W‖₁) / C.
        cv: in how many folds the penalty, alpha or C, is chosen, by the error on rows that a model has not seen;
            0 if it is not chosen.
        rule: which penalty is chosen: that of the least error, ``"min"``, or by ``"1se"`` the strongest one that is at
            most one standard error above it.
        cov: what errors of coefficients are robust to: ``"classical"``, ``"HC0"`` to ``"HC3"``, ``"cluster"`` or
            ``"HAC"``; "cluster" if the rows are grouped, else "classical".
        lags: for "HAC", how many rows before a row depend on it; by the number of rows if not given.
        epochs: SGD: passes over the training rows; 10.
        batch_size: SGD: rows per step; 256.
        lr: SGD: the learning rate; 0.1.
        valid: the share of the training rows to hold out. If it is not given, 0.2 for SGD on data without a test set;
            else 0, for an exact solution of a table is judged by cross-validation.
        seed: sets the initial weights, the split and the order of the rows.
        hidden: units in the MLP's hidden layer.
        phm_n: n of the PHM layer.
        device: SGD: where to compute. If it is not given, the CPU for one layer in the fused way, whose epochs take
            less than a GPU takes to start; else CUDA if there is one.

    Example:
        >>> from onelayer import Settings, houses
        >>> plan = Settings(alpha=1.0).for_data(houses())
        >>> plan.model, plan.solver, plan.alpha
        ('linear', 'direct', 1.0)
    """

    model: ModelKind | None = None
    way: Way | None = None
    solver: Solver | Literal["exact"] | None = None
    C: float | None = None
    alpha: float = 0.0
    l1_ratio: float = 0.0
    cv: int = 0
    rule: Rule = "min"
    cov: Cov | None = None
    lags: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    valid: float | None = None
    seed: int = 0
    hidden: int = 256
    phm_n: int = 2
    device: str | None = None

    def for_data(self, dataset: Dataset) -> "Plan":
        """Return the plan that the settings are for a data set, with nothing left open.

        Raises:
            OneLayerError: if a setting is out of range, or they do not fit each other or the data.

        Warns:
            FutureWarning: if the solver goes by an old name.
        """
        model: ModelKind = self.model or ("softmax" if dataset.classes else "linear")
        _check_name("model", model, ModelKind)
        if model == "linear" and dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is one of {len(dataset.classes)} classes; linear "
                "regression predicts a number: use --model softmax"
            )
        if model == "softmax" and not dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is a number; softmax regression predicts a class: "
                "use --model linear"
            )
        is_table = dataset.encoding is not None
        solver = self._solver_of(model, is_table)
        is_sgd = solver == "sgd"
        self._check_penalty(model, is_sgd, is_table)
        default_valid = DEFAULT_VALID if dataset.test is None and (is_sgd or not is_table) else 0.0
        if is_sgd and dataset.train.offset is not None:
            raise OneLayerError("SGD has no offset: take the exact solution")
        if is_sgd and dataset.encoding is not None and not dataset.encoding.fit_intercept:
            raise OneLayerError("SGD learns a bias, which the formula leaves out: take the exact solution")
        return Plan(
            model=model,
            way=self.way or ("concise" if model in ("mlp", "phm") else "fused"),
            solver=solver,
            C=self.C if self.C is not None else math.inf if is_table else 1.0,
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            cv=self.cv,
            rule=self.rule,
            cov=self._cov_of(dataset, is_sgd),
            lags=self.lags,
            epochs=10 if self.epochs is None else self.epochs,
            batch_size=256 if self.batch_size is None else self.batch_size,
            lr=0.1 if self.lr is None else self.lr,
            valid=default_valid if self.valid is None else self.valid,
            seed=self.seed,
            hidden=self.hidden,
            phm_n=self.phm_n,
            device=self.device or "auto",
        )

    def _check_penalty(self, model: ModelKind, is_sgd: bool, is_table: bool) -> None:
        if self.C is not None and (model != "softmax" or is_sgd):
            raise OneLayerError("C is for softmax regression, solved exactly; linear regression has alpha")
        if self.alpha and (model != "linear" or is_sgd):
            raise OneLayerError("alpha is for linear regression, solved exactly; softmax regression has C")
        if (self.l1_ratio or self.cv) and (is_sgd or model not in OF_L1):
            name = "l1_ratio" if self.l1_ratio else "cv"
            raise OneLayerError(f"{name} is for one layer, solved exactly, and not for SGD")
        strength = "alpha" if model == "linear" else "C"
        is_given = bool(self.alpha) if model == "linear" else self.C not in (None, math.inf)
        if self.cv and (self.alpha or self.C is not None):
            raise OneLayerError(f"cv chooses {strength}: leave out the one or the other")
        if self.cv and not is_table:
            raise OneLayerError(
                "cv chooses a penalty for tables: images would take a hundred fits of each fold"
            )
        if self.l1_ratio and not (is_given or self.cv or not is_table):
            raise OneLayerError(
                f"l1_ratio is a share of the penalty, and there is none: give {strength}, or let cv choose it"
            )

    def _cov_of(self, dataset: Dataset, is_sgd: bool) -> Cov:
        """Return what errors are to be robust to."""
        groups = dataset.train.groups
        if self.cov is None:
            return "classical" if groups is None else "cluster"
        _check_name("cov", self.cov, Cov)
        if self.cov == "cluster" and groups is None:
            raise OneLayerError(
                "cov cluster needs groups: name the column, or two, that say which rows belong together"
            )
        if is_sgd or dataset.encoding is None:
            raise OneLayerError("cov is for the errors of one layer on a table, solved exactly")
        return self.cov

    def _solver_of(self, model: ModelKind, is_table: bool) -> Solver:
        given = {name: getattr(self, name) for name in ("way", "epochs", "batch_size", "lr", "device")}
        of_sgd = [name for name, value in given.items() if value is not None]
        if self.solver is None:
            return self._exact_of(model) if is_table and not of_sgd else "sgd"
        if of_sgd and self.solver != "sgd" and SOLVERS[model][0] != "sgd":
            raise OneLayerError(
                f"{of_sgd[0]} is for SGD, and the solver {self.solver} has none: leave it out, or take the solver sgd"
            )
        if self.solver == "exact":
            if model not in ("linear", "softmax"):
                raise OneLayerError(
                    f"the exact solvers are for one layer (--model linear, softmax), not {model}"
                )
            warnings.warn("the solver is called 'auto' now; 'exact' will go", FutureWarning, stacklevel=3)
            return self._exact_of(model)
        if self.solver == "auto":
            return self._exact_of(model)
        if self.solver != "sgd" and (self.solver in OF_L1.values()) != bool(self.l1_ratio):
            with_l1 = OF_L1.get(model, "sgd")
            raise OneLayerError(
                f"with an l1_ratio the solver is {with_l1}, and {with_l1} is for nothing else"
            )
        return self.solver

    def _exact_of(self, model: ModelKind) -> Solver:
        """Return what "auto" is, which for some networks is SGD."""
        return OF_L1[model] if self.l1_ratio and model in OF_L1 else SOLVERS[model][0]


@dataclass(frozen=True)
class Plan:
    """Settings for a data set, with nothing left open; see ``Settings``.

    ``lags`` may be None, for as many as suit the number of rows.

    Raises:
        OneLayerError: if one is out of range, or they do not fit each other.
    """

    model: ModelKind
    way: Way
    solver: Solver
    C: float
    alpha: float
    l1_ratio: float
    cv: int
    rule: Rule
    cov: Cov
    lags: int | None
    epochs: int
    batch_size: int
    lr: float
    valid: float
    seed: int
    hidden: int
    phm_n: int
    device: str

    def __post_init__(self) -> None:
        _check_name("way", self.way, Way)
        _check_name("solver", self.solver, Solver)
        check_settings(self.epochs, self.batch_size, self.lr)
        if not 0 <= self.valid < 1:
            raise OneLayerError(f"valid must be at least 0 and below 1, not {self.valid}")
        check_count("hidden", self.hidden)
        if not 0 <= self.seed < 2**63:
            raise OneLayerError(f"the seed must be at least 0 and below 2⁶³, not {self.seed}")
        if not self.C > 0:
            raise OneLayerError(f"C must be a positive number, perhaps infinite, not {self.C}")
        if not 0 <= self.alpha < math.inf:
            raise OneLayerError(f"alpha must be a number of at least 0, not {self.alpha}")
        if not 0 <= self.l1_ratio <= 1:
            raise OneLayerError(f"l1_ratio must be a number from 0 to 1, not {self.l1_ratio}")
        if self.cv < 0 or self.cv == 1:
            raise OneLayerError(f"cv is a number of folds, at least 2, not {self.cv}")
        _check_name("rule", self.rule, Rule)
        if self.lags is not None and self.cov != "HAC":
            raise OneLayerError("lags are for the errors HAC (cov)")
        if self.solver not in SOLVERS[self.model]:
            others = [name for name in SOLVERS[self.model] if name not in ("auto", *OF_L1.values())]
            allowed = ", ".join(("auto", *others))
            raise OneLayerError(
                f"the solver {self.solver} is not for the model {self.model}, whose solvers are {allowed}"
            )
        if self.model in ("mlp", "phm") and self.way != "concise":
            raise OneLayerError(f"only --way concise trains the model {self.model}, not {self.way}")

    @property
    def penalty_name(self) -> str:
        """What the strength of the penalty is called: "alpha" for numbers, "C" for classes."""
        return "alpha" if self.model == "linear" else "C"

    @property
    def strength(self) -> float:
        """That of the penalty, alpha or C."""
        return self.alpha if self.model == "linear" else self.C

    @property
    def is_penalised(self) -> bool:
        """Whether there is a penalty."""
        return self.alpha > 0 if self.model == "linear" else math.inf > self.C

    @property
    def is_exact(self) -> bool:
        """Whether the solver goes to the minimum, without epochs."""
        return self.solver != "sgd"


def _check_name(what: str, name: str, kind: object) -> None:
    if name not in get_args(kind):
        raise OneLayerError(f"{what} must be one of {', '.join(get_args(kind))}, not {name!r}")
