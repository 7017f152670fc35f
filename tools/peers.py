"""What adapters of other packages' classes share: how they say what does not apply, and that they were used."""

from typing import Any, NoReturn

import pytest

NOT_OURS = "not ours:"
_uses = [0]


def does_not_apply(reason: str) -> NoReturn:
    """End the test: it asks for what ours does not have, or does otherwise by choice."""
    pytest.skip(f"{NOT_OURS} {reason}")


def used() -> None:
    """Note that a test makes use of an adapter."""
    _uses[0] += 1


def uses() -> int:
    """Return how often adapters were used."""
    return _uses[0]


def refuse(reasons: dict[str, Any]) -> None:
    """End the test if one of the reasons holds."""
    for reason, holds in reasons.items():
        if holds:
            does_not_apply(reason)
