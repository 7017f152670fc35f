"""Frames of Python, and data sets of numbers, as Arrow tables."""

from typing import Any

import numpy as np
import pyarrow as pa

from onelayer.data.arrow import column_of
from onelayer.data.dataset import Dataset
from onelayer.errors import OneLayerError, first_line


def from_python(data: Any) -> pa.Table:
    """Return a pandas, polars or Arrow table as an Arrow table. A pandas index is left out.

    Raises:
        OneLayerError: if it is none.
    """
    is_pandas = type(data).__module__.partition(".")[0] == "pandas"
    if not (isinstance(data, pa.Table) or hasattr(data, "__arrow_c_stream__")):
        raise OneLayerError(
            f"cannot read data from {type(data).__name__}: expected a name, a path, or a pandas, polars or Arrow table"
        )
    try:
        if is_pandas:
            table = pa.Table.from_pandas(data, preserve_index=False)
        else:
            table = data if isinstance(data, pa.Table) else pa.table(data)
        table.validate(full=True)  # strings that are not UTF-8
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        raise OneLayerError(f"the {type(data).__name__} is not a table: {first_line(error)}") from error
    return table


def arrow_of(dataset: Dataset) -> pa.Table:
    """Return the training rows of a numeric data set as an Arrow table, the target last."""
    columns = np.hstack([dataset.train.X, dataset.train.y]).T
    return pa.Table.from_arrays([column_of(c) for c in columns], names=[*dataset.features, dataset.target])
