"""``onelayer vectorize``: section 3.1.2 of the book, adding two vectors in a loop and in one call."""

from typing import Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import print_json, print_table, tracked
from onelayer.timer import Timer

REPEATS = 5


def vectorize(
    largest: Annotated[int, typer.Option(min=10, help="The largest vector.")] = 100_000,
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
    """Return the best of several timings of both ways to add two vectors of ones (n,), in seconds."""
    import torch

    a, b = torch.ones(n), torch.ones(n)
    c = torch.zeros(n)
    loop, call = Timer(), Timer()
    for repeat in range(REPEATS):
        if repeat == 0 or loop.times[-1] < 0.1:
            loop.start()
            for i in range(n):
                c[i] = a[i] + b[i]
            loop.stop()
        call.start()
        d = a + b
        call.stop()
    assert torch.equal(c, d)
    best_loop, best_call = min(loop.times), min(call.times)
    return {"n": n, "loop": best_loop, "call": best_call, "ratio": best_loop / best_call}
