"""The exercises of classes: ``one_hot`` and ``softmax``."""

import torch
from torch import Tensor, tensor

from onelayer import functional
from onelayer.exercises.exercise import Exercise, Mistake, Words, given
from onelayer.exercises.regression import DETACHED

LABELS = Words("labels from 0 to q − 1, integers, shape (n,)", "标签，0 到 q − 1 的整数，形状 (n,)")
OVERFLOW = Words(
    "exp(1000) is too large for any float, and infinity divided by infinity is not a number. Softmax stays the same if "
    "one number is taken from all logits of a row: which one keeps exp in range?",
    "exp(1000) 超出了浮点数的范围，而无穷大除以无穷大不是数。一行的未规范化的预测都减去同一个数，softmax 不变："
    "减去哪个数，exp 就不会溢出？",
)
WRONG_AXIS = Words(
    "It is the columns that add up to 1 here. Each row is one example, and its classes lie along the other axis.",
    "这里是每一列加起来等于 1。每一行是一个样本，它的各个类别排在另一个轴上。",
)
KEEPDIM = Words(
    "A sum or a maximum over the classes has lost an axis, so that broadcasting takes that of another row, or none "
    "fits. Look at its shape.",
    "对类别求和或取最大值之后少了一个轴，广播时就用了别的行的，或者根本配不上。看看它的形状。",
)


def naive_softmax(X: Tensor) -> Tensor:
    """Return softmax by its formula, which overflows."""
    return X.exp() / X.exp().sum(1, keepdim=True)


def _marked(n: int, q: int, *where: Tensor | slice) -> Tensor:
    marked = torch.zeros(n, q)
    marked[where] = 1
    return marked


ONE_HOT = Exercise(
    name="one_hot",
    section="3.4.1",
    task=Words(
        "Return the one-hot encoding of labels: in each row 1 at the label's place, and 0 elsewhere.",
        "返回标签的独热编码：每一行中，标签所在的位置为 1，其余为 0。",
    ),
    arguments={"y": LABELS, "q": Words("number of classes", "类别数")},
    returns=Words("numbers, shape (n, q)", "数值，形状 (n, q)"),
    inputs=(
        given(y=tensor([0, 2, 1, 2]), q=3),
        given(y=tensor([1, 0, 1]), q=4),
        given(y=tensor([1, 1, 0, 1, 0]), q=2),
        given(y=tensor([3]), q=5),
    ),
    truth=functional.one_hot,
    mistakes=(
        Mistake(
            "transposed",
            lambda y, q: functional.one_hot(y, q).T,
            Words(
                "One column belongs to each example here. Each is to have a row.",
                "这里每个样本占一列。每个样本应占一行。",
            ),
        ),
        Mistake(
            "counted from one",
            lambda y, q: torch.eye(q)[y - 1],
            Words(
                "Labels are counted from 0: the 1 is one place too early.",
                "标签从 0 数起：1 的位置早了一格。",
            ),
        ),
        Mistake(
            "one place late",
            lambda y, q: torch.eye(q)[(y + 1) % q],
            Words(
                "Labels are counted from 0: the 1 is one place too late.", "标签从 0 数起：1 的位置晚了一格。"
            ),
        ),
        Mistake(
            "as wide as the largest label",
            lambda y, q: torch.eye(int(y.max()) + 1)[y],
            Words(
                "A class that does not occur among these labels has a column too.",
                "没有在这些标签中出现的类别也要占一列。",
            ),
        ),
        Mistake(
            "as wide as the labels present",
            lambda y, q: torch.eye(len(y.unique()))[y.unique(return_inverse=True)[1]],
            Words(
                "A class that does not occur among these labels has a column too.",
                "没有在这些标签中出现的类别也要占一列。",
            ),
        ),
        Mistake(
            "whole columns",
            lambda y, q: _marked(len(y), q, slice(None), y),
            Words(
                "`[:, y]` takes the columns y of every row. In row i only column yᵢ is meant.",
                "`[:, y]` 取的是每一行的这些列。第 i 行只要第 yᵢ 列。",
            ),
        ),
        Mistake(
            "whole rows",
            lambda y, q: _marked(len(y), q, y),
            Words(
                "`[y]` takes the rows y. The label says in which column of its row the 1 is.",
                "`[y]` 取的是行。标签说的是 1 在本行的哪一列。",
            ),
        ),
        Mistake(
            "one row for all",
            lambda y, q: _marked(1, q, slice(None), y)[0],
            Words(
                "All labels share one row. Each is to have its own.",
                "所有标签共用了一行。每个标签应各占一行。",
            ),
        ),
        Mistake(
            "label as the value",
            lambda y, q: torch.eye(q)[y] * y[:, None],
            Words(
                "The label says where, not how much: one component is 1, whatever the class.",
                "标签说的是位置，不是大小：不管哪个类别，那个分量都是 1。",
            ),
        ),
        Mistake(
            "all up to the label",
            lambda y, q: (torch.arange(q) <= y[:, None]).float(),
            Words(
                "All places up to the label are 1. Classes have no order: just one is meant.",
                "标签之前的位置也都是 1。类别没有大小之分，只有一个是 1。",
            ),
        ),
        Mistake(
            "inverted",
            lambda y, q: 1 - functional.one_hot(y, q),
            Words("0 and 1 are exchanged.", "0 和 1 弄反了。"),
        ),
    ),
    otherwise=Words(
        "Write the row of the first label on paper: at which place, counted from 0, is its 1?",
        "在纸上写出第一个标签的那一行：从 0 数起，1 在第几个位置？",
    ),
)


def _shifted(X: Tensor) -> Tensor:
    return (X - X.amax(1, keepdim=True)).exp()


def _from_global_maximum(X: Tensor) -> Tensor:
    return naive_softmax(X - X.max())


LOGITS = tensor([[0.0, 1.0, 3.0], [2.0, 0.5, 1.0]])

SOFTMAX = Exercise(
    name="softmax",
    section="3.6.2",
    task=Words(
        "Turn each row of logits into probabilities: exp(xⱼ) / Σₖ exp(xₖ).",
        "把每一行未规范化的预测变成概率：exp(xⱼ) / Σₖ exp(xₖ)。",
    ),
    arguments={
        "X": Words(
            "logits, one row for each example, shape (n, q)", "未规范化的预测，每个样本一行，形状 (n, q)"
        )
    },
    returns=Words("probabilities, shape (n, q)", "概率，形状 (n, q)"),
    inputs=(
        given(X=LOGITS),
        given(X=tensor([[1.0, 2.0], [3.0, 5.0]])),
        given(X=tensor([[-1.0, 0.0, 2.0, 0.5]])),
        given(X=LOGITS.double()),
        given(X=LOGITS.clone().requires_grad_(True)),
        given(X=tensor([[1000.0, 1001.0, 1002.0], [-1000.0, -1001.0, -1002.0]])),
    ),
    truth=functional.softmax,
    mistakes=(
        Mistake("wrong axis", lambda X: X.exp() / X.exp().sum(0), WRONG_AXIS),
        Mistake("wrong axis", lambda X: functional.softmax(X.T).T, WRONG_AXIS),
        Mistake("no keepdim", lambda X: X.exp() / X.exp().sum(1), KEEPDIM),
        Mistake("no keepdim", lambda X: _shifted(X) / _shifted(X).sum(1), KEEPDIM),
        Mistake(
            "not normalised",
            lambda X: X.exp(),
            Words(
                "The values are positive, but the probabilities of a row have to add up to 1.",
                "值都是正的，但一行概率加起来应等于 1。",
            ),
        ),
        Mistake(
            "all together",
            lambda X: X.exp() / X.exp().sum(),
            Words(
                "All values together add up to 1. Each row has to do so by itself.",
                "这里是所有的值加起来等于 1。每一行自己就应等于 1。",
            ),
        ),
        Mistake(
            "no exponential",
            lambda X: X / X.sum(1, keepdim=True),
            Words(
                "The logits themselves have been divided by their sum, so that a negative one gives a negative "
                "probability. A step before that is missing.",
                "这里直接用未规范化的预测除以它们的和，负的就会得到负的概率。前面少了一步。",
            ),
        ),
        Mistake(
            "log-softmax",
            lambda X: X.log_softmax(1),
            Words("These are the logarithms of the probabilities.", "这是概率的对数。"),
        ),
        Mistake(
            "sigmoid",
            lambda X: X.sigmoid(),
            Words(
                "This is the logistic function of each logit by itself. In softmax the classes share a sum of 1.",
                "这是对每个值单独用了 sigmoid 函数。softmax 中各个类别要共同分配总和 1。",
            ),
        ),
        Mistake(
            "negative exponent",
            lambda X: (-X).softmax(1),
            Words(
                "The largest logit has the smallest probability: look at the sign in the exponent.",
                "最大的值得到了最小的概率：看看指数的符号。",
            ),
        ),
        Mistake(
            "another base",
            lambda X: (X * torch.log(tensor(2.0, dtype=X.dtype))).softmax(1),
            Words("These are powers of 2. The base is e.", "这里用的是 2 的幂。底数应为 e。"),
        ),
        Mistake(
            "largest only",
            lambda X: functional.one_hot(X.argmax(1), X.shape[1]),
            Words(
                "The largest logit has taken everything. Softmax leaves the others their share.",
                "最大的值独占了全部概率。softmax 会给其他类别留下各自的份额。",
            ),
        ),
        Mistake("overflow", naive_softmax, OVERFLOW, is_forgiven=True),
        Mistake(
            "one maximum for all rows",
            _from_global_maximum,
            Words(
                "The largest logit of all rows has been taken out, so that in a row far below it all exponentials are "
                "0. Each row has a largest one of its own.",
                "减去的是所有行中的最大值，远小于它的行里，指数就全是 0 了。每一行都有自己的最大值。",
            ),
        ),
        Mistake("detached", lambda X: functional.softmax(X).detach(), DETACHED),
    ),
    otherwise=Words(
        "Follow the first row: exponentials, then their sum, then the shares of it. Which step differs?",
        "跟着第一行走一遍：先取指数，再求和，再算各自的份额。哪一步不一样？",
    ),
)
