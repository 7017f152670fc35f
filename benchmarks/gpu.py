"""How fast are an epoch of SGD and the softmax optimum on a GPU, and how far are its weights from the CPU's?

Batches of 256 on Fashion-MNIST, ``device="cuda"``. The share of bandwidth is of what copying a large tensor reaches, in bytes
read and written: an epoch reads each image once, as bytes. The optimum is by torch's LBFGS on the GPU, to 1e-4 of the
minimum, for exact solvers run on the CPU.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from _measure import ROUNDS, result_of, show, size
from _tables import figure, table
from sgd_epoch import BATCH_SIZE, LR, data, zeros

IMAGES = size(60_000, 2_000)


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


def to_optimum() -> float:
    """Return the seconds of torch's LBFGS on the GPU until the objective is within 1e-4 of the minimum."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    from onelayer import SoftmaxRegression

    X, y, _ = data(IMAGES)
    known = SoftmaxRegression(tol=1e-6).fit(X / 255.0, y)
    least = known.objective_ - known.gap_
    pixels, labels = torch.from_numpy(X).cuda().float().div(255), torch.from_numpy(y).cuda()

    def fit() -> None:
        model = zeros().cuda()
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=20, line_search_fn="strong_wolfe")

        def closure() -> Any:
            optimizer.zero_grad()
            penalty = model.weight.square().sum() / 2
            loss = F.cross_entropy(model(pixels), labels, reduction="sum") + penalty
            loss.backward()
            return loss

        for _ in range(200):
            if float(optimizer.step(closure)) <= (1 + 1e-4) * least:
                return
        raise AssertionError("LBFGS did not come to within 1e-4 of the minimum")

    return seconds(fit)


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
    optimum = to_optimum()
    found = {
        "card": torch.cuda.get_device_name(),
        "an epoch": figure("s", epoch),
        "softmax optimum to 1e-4": figure("s", optimum),
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
            "gpu.py", __doc__, [], rows=rows, found=found, tables=[table(["", "measured"], [*map(list, found.items())])]
        )
    )


if __name__ == "__main__":
    main()
