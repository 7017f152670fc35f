"""``onelayer vectorize``: section 3.1.2 of the book, adding two vectors in a loop and in one call."""

from typing import Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import print_json, print_table, tracked

LARGEST = 10**7  # in the loop, half a minute a lap


def vectorize(
    largest: Annotated[
        int, typer.Option(min=10, max=LARGEST, help="The largest vector: 10,000,000 at most.")
    ] = 100_000,
    as_json: options.Json = False,
) -> None:
    """Time adding two vectors element by element in Python against adding them in one call."""
    sizes = [10**k for k in range(1, len(str(largest)))]
    results = [measure(n) for n in tracked(sizes, "adding")]
    if as_json:
        print_json({"results": results})
        return
    print_table(
        ["n", "loop", "one call", "times faster"],
        ((f"{r['n']:,}", f"{r['loop']:.3g} s", f"{r['call']:.3g} s", f"{r['ratio']:,.0f}") for r in results),
        left=0,
    )


def measure(n: int) -> dict[str, Any]:
    """Return the best of several timings of both ways to add two vectors (n,), in seconds, and their ratio."""
    from onelayer.vectorization import add_both_ways

    both = add_both_ways(n)
    return {"n": n, "loop": min(both.loop.times), "call": min(both.call.times), "ratio": both.ratio}
