"""How fast are an epoch of SGD and the softmax optimum on a GPU, and how far are its weights from the CPU's?

Batches of 256 on Fashion-MNIST, ``device="cuda"``. The share of bandwidth is of what copying a large tensor
reaches, in bytes read and written: an epoch reads each image once, as bytes. The optimum is by torch's LBFGS on
the GPU, to 1e-4 of the minimum, for exact solvers run on the CPU.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from _measure import ROUNDS, result_of, show
from _tables import figure, table
from sgd_epoch import BATCH_SIZE, IMAGES, LR, data, zeros
from softmax_optimum import LONGEST, images, to_marks, torch_lbfgs, with_minimum


def seconds(work: Callable[[], Any]) -> float:
    """Return the median time of some work on the GPU, after one that is not measured."""
    import torch

    times = []
    for _ in range(ROUNDS + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def trained(device: str) -> Callable[[], Any]:
    """Return an epoch from zeros on a device; it returns the weights."""
    import torch

    from onelayer.data import PIXEL_UNIT, Rows
    from onelayer.solvers.batches import Batches
    from onelayer.training import WAYS

    X, y, order = data(IMAGES)
    batches = Batches.of(Rows(X, y, "classes", unit=PIXEL_UNIT), torch.device(device), torch.float32)
    order = torch.from_numpy(order).to(device)

    def epoch() -> Any:
        model = zeros().to(device)
        WAYS["fused"](model, batches, order, BATCH_SIZE, LR)
        return model.weight.detach().cpu()

    return epoch


def bandwidth() -> float:
    """Return the bytes a second that a copy of a large tensor reads and writes."""
    import torch

    a = torch.empty(2**28, device="cuda")
    b = torch.empty_like(a)
    return 2 * a.numel() * 4 / seconds(lambda: b.copy_(a))


def main() -> None:
    assert __doc__ is not None
    try:
        import torch

        is_there = torch.cuda.is_available()
    except ImportError:
        is_there = False
    if not is_there:
        show(result_of("gpu.py", __doc__, [], **{"not run": "not run: no CUDA device"}))
        return
    epoch, copied = seconds(trained("cuda")), bandwidth()
    apart = float((trained("cuda")() - trained("cpu")()).abs().max())
    assert apart < 1e-3, apart
    problem = with_minimum(*images(np.float32))
    times, _ = to_marks(LONGEST, partial(torch_lbfgs, "cuda"), problem)
    found = {
        "card": torch.cuda.get_device_name(),
        "an epoch": figure("s", epoch),
        "softmax optimum to 1e-4": figure("s", times["to 0.0001"]),
        "memory bandwidth, measured": f"{copied / 1e9:,.0f} GB/s",
        "share of it in an epoch": f"{IMAGES * 784 / epoch / copied:.1%}",
        "largest difference from the CPU's weights": f"{apart:.0e}",
    }
    rows = [
        {"what": f"on {found['card']}: {what}", "ours": found[what], "theirs": "–", "ratio": "–"}
        for what in ("an epoch", "softmax optimum to 1e-4")
    ]
    show(
        result_of(
            "gpu.py",
            __doc__,
            [],
            rows=rows,
            found=found,
            tables=[table(["", "measured"], [*map(list, found.items())])],
        )
    )


if __name__ == "__main__":
    main()
