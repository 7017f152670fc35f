"""Estimators that keep the rows they were fitted to, for what is asked of them later."""

from typing import Any

from onelayer.data.rows import Source
from onelayer.errors import OneLayerError


class RowsOfFit:
    """Keeps a reference to the rows of ``fit``; they are not saved, and are not part of a pickle or a copy."""

    _rows: Source

    def _rows_for(self, what: str) -> Source:
        """Return the rows of ``fit``.

        Raises:
            OneLayerError: if the estimator was loaded or copied and has none.
        """
        if not hasattr(self, "_rows"):
            raise OneLayerError(
                f"{what} need the rows of fit, which files and copies of a {type(self).__name__} lack: fit it again"
            )
        return self._rows

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in dict(state).items() if name != "_rows"}  # type: ignore[call-overload]
