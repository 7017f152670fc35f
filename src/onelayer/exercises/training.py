"""The exercise of the training loop: ``train_epoch``."""

from typing import Any

import torch
from torch import Tensor

from onelayer.exercises.exercise import Exercise, Mistake, Words
from onelayer.exercises.loops import (
    Loop,
    observe_epoch,
    per_batch,
    per_example,
    show_training,
    sums,
    sums_by_batches,
    sums_of_means,
    with_optimizer,
    with_updater,
)


def _optimizers_only(net: Any, train_iter: list[tuple[Tensor, Tensor]], loss: Any, updater: Any) -> Any:
    """Use an updater that is a function as if it were an optimizer."""
    if not isinstance(updater, torch.optim.Optimizer):
        updater.zero_grad()
    return Loop()(net, train_iter, loss, updater)


def _optimizers_that_step(net: Any, train_iter: list[tuple[Tensor, Tensor]], loss: Any, updater: Any) -> Any:
    if not isinstance(updater, torch.optim.Optimizer):
        updater.step()
    return Loop()(net, train_iter, loss, updater)


_ANY_UPDATER = Words(
    "The updater may also be a plain function of the batch size, which has neither `zero_grad` nor `step`.",
    "更新器也可能只是一个以批量大小为参数的函数，既没有 `zero_grad`，也没有 `step`。",
)

TRAIN_EPOCH = Exercise(
    name="train_epoch",
    section="3.6.6",
    task=Words(
        "Train for one pass over the minibatches: predict, measure the loss, find the gradient, step.\n"
        "Return the mean loss and the share of right predictions over all examples of the pass,\n"
        "each measured before the step on its minibatch. A module has to be in training mode.\n"
        "An optimizer is to follow the gradient of the minibatch's mean loss. A function of the batch size,\n"
        "such as one that calls sgd, divides by that itself: it is to find the gradient of the losses' sum.",
        "用所有小批量训练一个迭代周期：预测，算损失，求梯度，更新。\n"
        "返回这一遍中所有样本的平均损失，以及预测正确的比例，两者都在该小批量更新之前测得。\n"
        "如果网络是模块，先把它设为训练模式。\n"
        "优化器要用小批量平均损失的梯度。以批量大小为参数的函数（例如调用 sgd 的）自己会除以批量大小，\n"
        "所以要为它求损失之和的梯度。",
    ),
    arguments={
        "net": Words(
            "a module or a function, from X to a score for each class", "模块或函数，由 X 得到每个类别的得分"
        ),
        "train_iter": Words("minibatches (X, y)", "小批量 (X, y)"),
        "loss": Words(
            "a function of scores and labels, which gives one loss for each example",
            "以得分和标签为参数的函数，每个样本得到一个损失",
        ),
        "updater": Words(
            "an optimizer, or a function of the batch size that takes a step",
            "优化器，或以批量大小为参数、更新一步的函数",
        ),
    },
    returns=Words("mean loss, share of right predictions", "平均损失，预测正确的比例"),
    inputs=(with_optimizer, with_updater),
    truth=Loop(),
    observe=observe_epoch,
    show=show_training,
    mistakes=(
        Mistake(
            "gradients not zeroed",
            Loop(clears="never"),
            Words(
                "The first step is right and the second is not: `backward` adds to the gradients that the first one "
                "left.",
                "第一步是对的，第二步却不对：`backward` 在第一步留下的梯度上继续累加。",
            ),
        ),
        Mistake(
            "zeroed before the step",
            Loop(clears="after"),
            Words(
                "The gradients are found, and cleared before the optimizer gets to use them.",
                "梯度求出来了，优化器还没用就被清零了。",
            ),
        ),
        Mistake(
            "no step",
            Loop(steps=False),
            Words("The parameters never move: the updater is not used.", "参数一直没动：更新器没有用上。"),
        ),
        Mistake(
            "no backward",
            Loop(backward=False),
            Words(
                "A step follows the gradients, but nothing has found them.",
                "更新要用梯度，但还没有求过梯度。",
            ),
        ),
        Mistake(
            "sum for an optimizer",
            Loop(of_optimizer=torch.sum),
            Words(
                "The optimizer's step is too long by the number of examples: it does not divide by that itself.",
                "优化器的步子大了，大的倍数正好是样本数：它自己不会除以样本数。",
            ),
        ),
        Mistake(
            "mean for a function",
            Loop(of_function=torch.mean),
            Words(
                "The updater divides by the batch size itself. With this loss that happens twice.",
                "更新器自己会除以批量大小。用这样的损失，就除了两次。",
            ),
        ),
        Mistake(
            "no batch size",
            Loop(passes_size=False),
            Words(
                "An updater that is a function wants to know how many examples the minibatch has.",
                "函数形式的更新器要知道这个小批量有多少个样本。",
            ),
        ),
        Mistake("optimizers only", _optimizers_only, _ANY_UPDATER),
        Mistake("optimizers only", _optimizers_that_step, _ANY_UPDATER),
        Mistake(
            "modules only",
            Loop(mode="any"),
            Words(
                "The net may also be a plain function, which has no training mode.",
                "网络也可能只是一个函数，没有训练模式可言。",
            ),
        ),
        Mistake(
            "evaluation mode",
            Loop(mode="none"),
            Words(
                "The module came in evaluation mode and has stayed in it. Dropout, for one, would do nothing.",
                "传进来的模块处于评估模式，之后也没有变。例如暂退法就不会起作用。",
            ),
        ),
        Mistake(
            "first minibatch only",
            Loop(stops=True),
            Words(
                "Only the first minibatch was used. Where does `return` stand?",
                "只用了第一个小批量。`return` 写在哪里？",
            ),
        ),
        Mistake(
            "last minibatch only",
            Loop(report=lambda scores: per_example(scores[-1:])),
            Words(
                "These are loss and accuracy of the last minibatch. All of the pass counts.",
                "这只是最后一个小批量的损失和精度。要算的是整个迭代周期。",
            ),
        ),
        Mistake(
            "mean of means",
            Loop(report=per_batch),
            Words(
                "The minibatches have been averaged as if all had the same size. The last one has fewer examples.",
                "小批量是按同样大小来平均的，但最后一个的样本少一些。",
            ),
        ),
        Mistake(
            "mean losses added up",
            Loop(report=sums_of_means),
            Words(
                "Mean losses have been added up and then divided by the number of examples once more.",
                "加起来的是平均损失，最后又除了一次样本数。",
            ),
        ),
        Mistake(
            "sums",
            Loop(report=sums),
            Words(
                "These are sums over the pass. A mean and a share are wanted.",
                "这是整个迭代周期的总和。要的是平均损失和比例。",
            ),
        ),
        Mistake(
            "divided by the minibatches",
            Loop(report=sums_by_batches),
            Words(
                "The sums have been divided by the number of minibatches. How many examples are there?",
                "总和除以的是小批量的个数。样本一共有多少个？",
            ),
        ),
        Mistake(
            "exchanged",
            Loop(report=lambda scores: per_example(scores)[::-1]),
            Words("Loss and accuracy are exchanged.", "损失和精度的次序反了。"),
        ),
        Mistake(
            "measured after the step",
            Loop(measures_after=True),
            Words(
                "Loss and accuracy are those after the step: the net has seen these examples by then.",
                "损失和精度是更新之后的：这时网络已经从这些样本中学过了。",
            ),
        ),
        Mistake(
            "nothing returned",
            Loop(report=lambda scores: None),
            Words("The training is right. What is to be reported?", "训练是对的。还要报告什么？"),
        ),
    ),
    otherwise=Words(
        "Go through both minibatches by hand: print the parameters and the gradients after each line of the loop.",
        "把两个小批量手工走一遍：循环中每执行一行，就打印参数和梯度。",
    ),
    differs={
        "backward": Words(
            "the number of backward passes is not the number of minibatches.",
            "反向传播的次数与小批量的个数不同。",
        ),
        "steps": Words(
            "the number of steps is not the number of minibatches.", "更新的次数与小批量的个数不同。"
        ),
        "params": Words(
            "the parameters are not what they should be after the pass.", "这一遍之后，参数的值不对。"
        ),
        "pair": Words("it does not return two numbers.", "它没有返回两个数。"),
        "loss": Words("the mean loss is wrong.", "平均损失不对。"),
        "accuracy": Words("the share of right predictions is wrong.", "预测正确的比例不对。"),
        "training": Words("the net was not in training mode.", "网络没有处于训练模式。"),
    },
)
