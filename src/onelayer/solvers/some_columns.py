"""An objective for some of its columns, as if the others were not there."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, Source, Terms
from onelayer.solvers.objective import Objective


@dataclass(frozen=True, eq=False)
class Selected:
    """Some of the columns of rows that are not in memory."""

    rows: Source
    index: NDArray[np.intp]

    @property
    def n_features(self) -> int:
        """See ``Source``."""
        return len(self.index)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rows, name)

    def __len__(self) -> int:
        return len(self.rows)

    def distinct(self) -> "Selected":
        """Return the rows as they are: see ``Source``."""
        return self

    def sum(self, terms: Terms, walks: bool = False) -> list[Any]:
        """See ``Source``."""

        def of_selected(block: Block) -> Any:
            return terms(replace(block, X=block.X[:, self.index]))

        return self.rows.sum(of_selected)  # each block is copied, so they are short


def with_columns(objective: Objective, columns: NDArray[np.intp]) -> Objective:
    """Return the objective of some columns, sorted, of which the intercept's ones have to be the last if there are any.

    Without a penalty: that of the objective is left out.
    """
    if len(columns) == objective.shape[1]:
        return objective
    index, scaling = columns[columns < objective.rows.n_features], objective.scaling
    rows: Any = objective.rows
    rows = (
        replace(rows, X=rows.X[:, index])
        if isinstance(rows, Rows) and rows.in_memory
        else Selected(rows, index)
    )
    of_columns = {name: getattr(scaling, name)[index] for name in ("mean", "scale", "deviation")}
    return replace(objective, rows=rows, scaling=replace(scaling, **of_columns))
