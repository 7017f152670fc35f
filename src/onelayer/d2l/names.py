"""Names that the book's module has and this one has not, or not at once: what is said of them, or imported."""

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

MODULES = {
    "backend_inline": "matplotlib_inline.backend_inline",
    "display": "IPython.display",
    "pd": "pandas",
    "requests": "requests",
}  # that the book's module has names for; they take up to a second to import


def module_or_error(name: str) -> ModuleType:
    """Import the module that ``name`` stands for in the book's module.

    Raises:
        ModuleNotFoundError: if the module is not installed.
        AttributeError: if ``name`` does not stand for a module.
    """
    if name not in MODULES:
        raise AttributeError(
            f"onelayer.d2l has no {name!r}: it has what the book's chapters on linear networks and multilayer "
            "perceptrons use (3 and 4 in the first edition, 3 to 5 in the second): train_ch3, Animator, evaluate_loss, "
            "Module, Trainer, FashionMNIST, download and so on; dir(d2l) lists all"
        )
    try:
        return import_module(MODULES[name])
    except ModuleNotFoundError as error:
        package = MODULES[name].partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise
        raise ModuleNotFoundError(
            f"d2l.{name} needs {package}; install with: pip install 'onelayer[torch]'", name=error.name
        ) from error


def no_stand_in(module: str, there: Sequence[str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a stand-in for a module that has only the names ``there``."""

    def missing(name: str) -> Any:
        raise AttributeError(
            f"onelayer has no stand-in for {module}.{name}, only for {', '.join(there)}; for the others install "
            "torchvision and import it in place of onelayer.d2l.torchvision"
        )

    return missing
