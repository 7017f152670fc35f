"""A fit as scikit-learn's callbacks see it: progress bars, monitors of scores, an end before time.

scikit-learn has them since 1.9 (SLEP023). With an earlier one estimators have no ``set_callbacks``, and all else stays.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for that of scikit-learn 1.9."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method."""
        return method


__all__ = ["CallbackSupportMixin", "FitTask", "with_callbacks"]
Array = NDArray[np.float64]


class FitTask:
    """The task of one call of ``fit``, whose subtasks are steps of a solver.

    Each step ends with the weights that it has come to, from which a callback may have an estimator that predicts.

    Args:
        estimator: whose ``fit`` is under way.
        X: features, as they were given.
        y: targets, likewise.
        metadata: what else ``fit`` was given, by name; None stands for nothing.
        n_steps: the largest number of steps, 0 if a fit has none.
        step_name: what a step is.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        metadata: Mapping[str, Any] | None = None,
        n_steps: int = 0,
        step_name: str = "step",
    ) -> None:
        # Most fits have no callbacks, neither their own nor those of an estimator around them: then nothing is made.
        attributes = vars(estimator)
        self.is_seen = "_skl_callbacks" in attributes or "_parent_callback_ctx" in attributes
        if not self.is_seen:
            return
        self.step_name, self.step = step_name, None
        self.data = {"estimator": estimator, "X": X, "y": y}
        self.data["metadata"] = {k: value for k, value in (metadata or {}).items() if value is not None}
        # One more: which step is the last one shows when the next would begin, as in scikit-learn's own estimators.
        self.fit = estimator._init_callback_context(max_subtasks=n_steps + 1 if n_steps else 0)
        self.fit.call_on_fit_task_begin(**self.data)

    def on_step(self, state: Callable[[], dict[str, Any]] | None = None) -> bool:
        """Report that a step has ended and the next begins, and return whether a callback asks to stop.

        Args:
            state: what makes a copy of the estimator one that predicts; None if there is no such yet.
        """
        if not self.is_seen:
            return False
        step = self.step or self._begin_step(None)
        stop = step.call_on_fit_task_end(**self.data, reconstruction_attributes=state)
        self.step = self._begin_step(state)
        return bool(stop)

    def end(self) -> None:
        """Report that the fit has ended."""
        if not self.is_seen:
            return
        if self.step is not None:
            self.step.call_on_fit_task_end(estimator=self.data["estimator"])
        self.fit.call_on_fit_task_end(**self.data, reconstruction_attributes={})

    def _begin_step(self, state: Callable[[], dict[str, Any]] | None) -> Any:
        step = self.fit.subcontext(task_name=self.step_name)
        return step.call_on_fit_task_begin(**self.data, reconstruction_attributes=state)
