"""What rows say of the coefficients of both models, in the user's units.

The part for softmax regression is imported when it is first used: it needs SciPy, which linear regression does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from onelayer.inference.coefficients import Coefficients
from onelayer.inference.linear import linear_coefficients

if TYPE_CHECKING:
    from onelayer.inference.softmax import separation_notes, softmax_errors

__all__ = [
    "Coefficients",
    "linear_coefficients",
    "separation_notes",
    "softmax_errors",
]


def __getattr__(name: str) -> Any:
    """Import the part for softmax regression."""
    if name not in __all__:
        raise AttributeError(f"module 'onelayer.inference' has no attribute {name!r}")
    return getattr(import_module("onelayer.inference.softmax"), name)
