"""The sums of each pass over files, kept on disk until the run is finished, so that it can go on where it was stopped.

Solvers are deterministic, and all that they know of the rows are sums over them. A run that begins anew and is given
the sums of its first passes from the journal is where it was, to the last bit, without having read a row.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from onelayer.data.rows import Terms
from onelayer.data.scan import Engine, Scan
from onelayer.data.units import Unit
from onelayer.double_double import DoubleDouble
from onelayer.engines.threads import Watch
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.formats import read, to_bytes
from onelayer.settings import Plan

FORM = "onelayer sums of a pass"
RUN = "run"  # the file that says which run the sums are of


class Journal:
    """An engine that writes down the sums of each pass, and answers those that were written down before.

    Attributes:
        replayed: how many passes were answered so far.
    """

    def __init__(self, engine: Engine, folder: Path, rows: Scan, plan: Plan, resume: bool) -> None:
        """Open the journal of a run.

        Args:
            engine: who walks the units.
            folder: where to; it is made with the first sums, and removed at once unless a run is resumed.
            rows: what the run is on.
            plan: how it is made.
            resume: whether to go on from what is there.

        Raises:
            OneLayerError: if the run that is to be resumed was on other files, or made otherwise.
        """
        self._engine, self._folder, self._number, self.replayed = engine, folder, 0, 0
        about = json.dumps([_about(rows.walked_by(engine)), asdict(plan)], default=str).encode()
        self._run = sha256(about).hexdigest()
        run_file = folder / RUN
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        elif run_file.exists() and run_file.read_text() != self._run:
            raise OneLayerError(
                f"{folder}: belongs to a run on other files or with other settings; leave out --resume to begin anew"
            )

    def sum(self, read: Any, terms: Terms, units: Sequence[Unit]) -> list[Any]:
        """Return the sums of a pass, as they were written down or as the engine finds them.

        Raises:
            OneLayerError: if what was written down is damaged.
        """
        self._number += 1
        path = self._folder / f"{self._number:05}.safetensors"
        if path.exists():
            self.replayed += 1
            return self._read(path)
        found = self._engine.sum(read, terms, units)
        arrays: dict[str, Any] = {}
        with suppress(TypeError):  # other sums than numbers are found anew
            sums = _packed(found, arrays)
            if not self._folder.exists():
                self._folder.mkdir()
                write_whole({self._folder / RUN: self._run.encode()})
            write_whole({path: to_bytes(FORM, {"sums": sums}, arrays)})
        return found

    def tell(self, watch: Watch) -> None:
        """Tell of each unit that is done from now on."""
        self._engine.tell(watch)

    def remove(self) -> None:
        """Remove all that was written down: the run is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, path: Path) -> list[Any]:
        try:
            content = read(path, FORM, FORM)
            return list(_unpacked(content.description["sums"], content.tensors))
        except OneLayerError as error:
            raise OneLayerError(f"{path}: is damaged; leave out --resume to begin anew") from error


def _about(rows: Scan) -> list[Any]:
    """Return what the sums of a run depend on, but for its settings."""
    made = rows.made
    parts = [[part.place, part.groups, part.n] for unit in rows.units for part in unit.parts]
    columns = made.encoding.to_json(), asdict(made.target), made.weight, made.offset
    return [parts, columns]


def _packed(value: Any, arrays: dict[str, Any]) -> Any:
    """Return sums as JSON values that name the arrays they hold, which are added to ``arrays``.

    Raises:
        TypeError: if a sum is neither a number nor an array, nor made of these.
    """
    if isinstance(value, DoubleDouble):
        return {"double": [_packed(value.high, arrays), _packed(value.low, arrays)]}
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.ascontiguousarray(value)
        return {"array": name, "shape": list(value.shape)}
    if isinstance(value, (list, tuple)):
        return [_packed(part, arrays) for part in value]
    return float(value).hex()


def _unpacked(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return float.fromhex(value)
    if isinstance(value, list):
        return [_unpacked(part, arrays) for part in value]
    if "double" in value:
        return DoubleDouble(*(_unpacked(part, arrays) for part in value["double"]))
    return arrays[value["array"]].reshape(value["shape"])
