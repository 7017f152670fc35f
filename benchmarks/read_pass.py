"""One pass over the 60,000 training images in batches of 256: the book's DataLoader against ``onelayer.d2l``.

    python benchmarks/read_pass.py

The book's has 4 workers that read each image through PIL (section 3.5.3). Both must give the same batches.
"""

import warnings
from statistics import median

import torch

from _book import WORKERS, book_loader
from onelayer import Timer, d2l, fashion_mnist

ROUNDS = 5
BATCH_SIZE = 256


def main() -> None:
    warnings.filterwarnings(
        "ignore", message="This DataLoader will create"
    )  # 4 workers are the book's choice
    book = book_loader(fashion_mnist().train, BATCH_SIZE, shuffle=True)
    ours, _ = d2l.load_data_fashion_mnist(BATCH_SIZE)
    torch.manual_seed(0)
    X, y = next(iter(book))
    torch.manual_seed(0)
    ours_X, ours_y = next(iter(ours))  # reads the file for the first time, which is not measured
    assert torch.equal(X, ours_X) and torch.equal(y, ours_y)
    for _ in ours:
        continue

    seconds: dict[str, list[float]] = {"book": [], "onelayer": []}
    for _ in range(ROUNDS):
        for name, loader in (("book", book), ("onelayer", ours)):
            timer = Timer()
            for _X, _y in loader:
                continue
            seconds[name].append(timer.stop())
    ratio = median(a / b for a, b in zip(*seconds.values(), strict=True))
    print(f"one pass over {len(ours.dataset):,} images, medians of {ROUNDS}")
    print(f"DataLoader with {WORKERS} workers, each image through PIL: {median(seconds['book']):.3f} s")
    print(
        f"onelayer.d2l.load_data_fashion_mnist: {median(seconds['onelayer']):.4f} s, {ratio:.0f} times faster"
    )


if __name__ == "__main__":
    main()
