"""The exercise of reading data: ``data_iter``."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from onelayer.exercises.exercise import Arguments, Exercise, Function, Mistake, Observation, Words, given
from onelayer.exercises.readers import (
    Batch,
    all_labels,
    apart,
    batches_shuffled,
    data_iter,
    drawn,
    endless,
    filled_up,
    first_returned,
    input_shuffled,
    last_dropped,
    not_shuffled,
    nothing_yielded,
    same_order,
    sliced,
)

MOST_BATCHES = 30  # of 10 rows: what yields more does not stop by itself
SHOWN_BATCHES = 3


def observe_passes(function: Function, arguments: Arguments) -> Observation:
    """Observe two passes over numbered rows. Nothing that is compared depends on which random order they have."""
    features, labels = arguments["features"].clone(), arguments["labels"].clone()
    returned = function(*arguments.values())
    first = _read(returned)
    if not first or not all(map(_is_batch, first)):
        return Observation({"batches": _kind(returned, first)}, _shown(first))
    order, rows = _order(first), [*range(len(labels))]
    again = _order(filter(_is_batch, _read(function(*arguments.values()))))
    mixed = not all(_are_neighbours(_numbers(X)) for X, _ in first)
    values = {
        "batches": "minibatches",
        "as many labels": all(len(X) == len(y) for X, y in first),
        "shapes": all(
            X.shape[1:] == features.shape[1:] and y.shape[1:] == labels.shape[1:] for X, y in first
        ),
        "together": all(_numbers(X) == _numbers(y) for X, y in first),
        "once": len(set(order)) == len(order),
        "every row": set(order) >= set(rows),
        "sizes": sorted((len(X) for X, _ in first), reverse=True),
        "shuffled": rows not in (order, again) or order != again,
        "mixed": mixed,
        "anew": order != again or not mixed,  # few minibatches can come in the same order by chance
        "unchanged": torch.equal(features, arguments["features"])
        and torch.equal(labels, arguments["labels"]),
    }
    return Observation(values, _shown(first))


def _read(returned: Any) -> list[Any]:
    """Return what comes out of a learner's iterator, up to a limit."""
    if returned is ...:
        raise NotImplementedError
    if not isinstance(returned, Iterable):
        return [] if returned is None else [returned]
    items = [*islice(returned, MOST_BATCHES)]
    if any(item is ... for item in items):
        raise NotImplementedError
    return items


def _is_batch(item: Any) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2 and all(_has_rows(part) for part in item)


def _has_rows(part: Any) -> bool:
    return isinstance(part, Tensor) and part.dim() > 0


def _kind(returned: Any, items: list[Any]) -> str:
    if returned is None:
        return "nothing"
    if not items:
        return "none"
    return "one minibatch" if _is_batch(returned) else "something else"


def _shown(batches: list[Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for i, batch in enumerate(batches[:SHOWN_BATCHES]):
        if _is_batch(batch):
            shown |= {f"batches[{i}]  X": batch[0], f"batches[{i}]  y": batch[1]}
        else:
            shown[f"batches[{i}]"] = batch
    return shown | {"len(batches)": len(batches)}


def _numbers(rows: Tensor) -> list[int]:
    """Return which rows these are: the features and the labels of row i start with i."""
    return [int(number) for number in rows.reshape(len(rows), -1)[:, :1].reshape(-1)]


def _order(batches: Iterable[Batch]) -> list[int]:
    return [number for X, _ in batches for number in _numbers(X)]


def _are_neighbours(numbers: list[int]) -> bool:
    return numbers == [*range(numbers[0], numbers[0] + len(numbers))] if numbers else True


def _rows(n: int, batch_size: int, with_column: bool) -> Callable[[], Arguments]:
    """Return what makes n rows, each with its number in features and label."""
    number = torch.arange(float(n))
    labels = number.reshape(-1, 1) if with_column else number
    return given(batch_size=batch_size, features=torch.stack([number, 10 * number], dim=1), labels=labels)


_NOT_YIELDED = Words(
    "What is in the loop has to be handed over one minibatch at a time, and the loop has to go on afterwards. Which "
    "keyword does that?",
    "循环里要一次交出一个小批量，交出之后循环还要接着走。哪个关键字能做到？",
)

DATA_ITER = Exercise(
    name="data_iter",
    section="3.2.2",
    task=Words(
        "Yield all examples once, in random order, one minibatch after another.\n"
        "Each pass has an order of its own. The last minibatch may be smaller.",
        "按随机顺序把所有样本过一遍，每次产生一个小批量。\n每一遍的顺序都不同。最后一个小批量可以小一些。",
    ),
    arguments={
        "batch_size": Words("number of examples in a minibatch", "批量大小，即每个小批量的样本数"),
        "features": Words("features of all examples, shape (n, d)", "所有样本的特征，形状 (n, d)"),
        "labels": Words("their labels, shape (n, 1) or (n,)", "所有样本的标签，形状 (n, 1) 或 (n,)"),
    },
    returns=Words("an iterator of minibatches (features, labels)", "小批量 (特征, 标签) 的迭代器"),
    inputs=(_rows(10, 4, with_column=False), _rows(12, 4, with_column=True), _rows(10, 16, with_column=True)),
    truth=data_iter,
    observe=observe_passes,
    mistakes=(
        Mistake(
            "last dropped",
            last_dropped,
            Words(
                "The rows that are left over at the end never come. A minibatch need not be full.",
                "末尾余下的样本一直没有出现。小批量不一定要满。",
            ),
        ),
        Mistake(
            "not shuffled",
            not_shuffled,
            Words(
                "The rows come in the order in which they are stored. If they are sorted, minibatches are one-sided.",
                "样本仍按存放的次序出现。如果数据是排过序的，小批量就会有偏。",
            ),
        ),
        Mistake(
            "shuffled apart",
            apart,
            Words(
                "Features and labels have been put in order separately: the i-th label no longer belongs to the i-th "
                "row.",
                "特征和标签各走各的次序：第 i 个标签已不属于第 i 行特征。",
            ),
        ),
        Mistake(
            "drawn with replacement",
            drawn,
            Words(
                "Rows are drawn anew each time, so that some come twice and others never. Shuffle once, then go "
                "through.",
                "每次都重新抽取，于是有的样本来两次，有的一次也不来。应先打乱一次，再依次取。",
            ),
        ),
        Mistake(
            "same order",
            same_order,
            Words(
                "Both passes have the same order. A seed that is set inside the function starts it anew each time.",
                "两遍的次序完全相同。在函数里设定随机种子，每次都会从头开始。",
            ),
        ),
        Mistake(
            "batches shuffled",
            batches_shuffled,
            Words(
                "The minibatches come in random order, but each still holds neighbouring rows.",
                "小批量的先后是随机的，但每个小批量里仍是相邻的样本。",
            ),
        ),
        Mistake(
            "input shuffled",
            input_shuffled,
            Words(
                "The caller's own data have been put in another order. Shuffle positions, not the data.",
                "调用者的数据被改了次序。要打乱的是下标，而不是数据。",
            ),
        ),
        Mistake("first returned", first_returned, _NOT_YIELDED),
        Mistake("nothing yielded", nothing_yielded, _NOT_YIELDED),
        Mistake(
            "endless",
            endless,
            Words(
                "It does not stop after one pass. Who calls it begins the next pass.",
                "过完一遍之后没有停下来。下一遍由调用者开始。",
            ),
        ),
        Mistake(
            "step of one",
            sliced(lambda i: i, lambda i, size: i + size, lambda size: 1),
            Words(
                "Each minibatch starts one row after the last one, so they overlap. How far does the loop step?",
                "每个小批量只比上一个晚一行开始，于是互相重叠。循环每次该走多远？",
            ),
        ),
        Mistake(
            "slice ends early",
            sliced(lambda i: i, lambda i, size: size, lambda size: size),
            Words(
                "Only the first minibatch has rows. A slice ends at a position, not after a number of rows.",
                "只有第一个小批量里有样本。切片的终点是位置，而不是个数。",
            ),
        ),
        Mistake(
            "one too many",
            sliced(lambda i: i, lambda i, size: i + size + 1, lambda size: size),
            Words(
                "Each minibatch has one row too many, which comes again in the next. The end of a slice is not part of "
                "it.",
                "每个小批量都多了一行，这一行在下一个小批量里又出现一次。切片不包含终点。",
            ),
        ),
        Mistake(
            "always the first",
            sliced(lambda i: 0, lambda i, size: size, lambda size: size),
            Words(
                "Every minibatch has the same rows. Does the slice move on with the loop?",
                "每个小批量都是同样的样本。切片有没有随着循环往前走？",
            ),
        ),
        Mistake(
            "filled up",
            filled_up,
            Words(
                "The last minibatch has been filled up with rows that were there before. It may be smaller.",
                "最后一个小批量用出现过的样本补满了。它可以小一些。",
            ),
        ),
        Mistake(
            "all labels",
            all_labels,
            Words(
                "Every minibatch comes with all labels. Those of its own rows are wanted.",
                "每个小批量都带着全部标签。只要它自己那几行的。",
            ),
        ),
    ),
    otherwise=Words(
        "Print the positions that each minibatch takes: each from 0 to n − 1 has to appear in exactly one.",
        "打印每个小批量取的下标：从 0 到 n − 1，每个都应恰好出现在一个小批量里。",
    ),
    differs={
        "batches": Words(
            "it does not give minibatches of two tensors, one after another.",
            "它没有依次给出由两个张量组成的小批量。",
        ),
        "as many labels": Words(
            "a minibatch has more labels than rows, or fewer.", "有的小批量中，标签数与行数不同。"
        ),
        "shapes": Words(
            "the rows of a minibatch have another shape than those of the data.",
            "小批量中各行的形状与数据中的不同。",
        ),
        "together": Words(
            "features and labels of different examples come together.", "不同样本的特征和标签配到了一起。"
        ),
        "once": Words("some examples come more than once in a pass.", "有些样本在一遍里出现了不止一次。"),
        "every row": Words("some examples never come.", "有些样本一次也没有出现。"),
        "sizes": Words(
            "the minibatches do not have the size that is asked for.", "小批量的大小不是所要求的。"
        ),
        "shuffled": Words("the examples are not in random order.", "样本没有打乱次序。"),
        "mixed": Words("each minibatch has neighbouring examples.", "每个小批量里都是相邻的样本。"),
        "anew": Words("each pass has the same order.", "每一遍的次序都一样。"),
        "unchanged": Words("it changes the data that are passed in.", "它改动了传进来的数据。"),
    },
)
