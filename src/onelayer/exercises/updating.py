"""The exercise of the step: ``sgd``."""

import torch
from torch import Tensor, tensor

from onelayer.exercises.exercise import Arguments, Exercise, Function, Mistake, Observation, Words, given


def observe_step(function: Function, arguments: Arguments) -> Observation:
    """Observe the parameters, and the gradients, of the tensors that were passed in; a gradient of None counts as 0."""
    params: list[Tensor] = [*arguments["params"]]
    if function(*arguments.values()) is ...:
        raise NotImplementedError
    return Observation(
        {
            "params": [p.detach() for p in params],
            "gradients": [torch.zeros_like(p) if p.grad is None else p.grad for p in params],
            "trainable": all(p.requires_grad for p in params),
        }
    )


def _parameter(values: Tensor, gradient: Tensor) -> Tensor:
    parameter = values.clone().requires_grad_(True)
    parameter.grad = gradient
    return parameter


def _step(params: list[Tensor], scale: float) -> None:
    """Move each parameter by ``scale`` times its gradient, and clear that."""
    with torch.no_grad():
        for param in params:
            if param.grad is not None:
                param += scale * param.grad
                param.grad.zero_()


def sgd(params: list[Tensor], lr: float, batch_size: int) -> None:
    """Take one step as it should be."""
    _step(params, -lr / batch_size)


def _without_no_grad(params: list[Tensor], lr: float, batch_size: int) -> None:
    for param in params:
        param -= lr * param.grad / batch_size  # type: ignore[operator]


def _not_zeroed(params: list[Tensor], lr: float, batch_size: int) -> None:
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size  # type: ignore[operator]


def _rebound(params: list[Tensor], lr: float, batch_size: int) -> None:
    with torch.no_grad():
        for param in params:
            param = param - lr * param.grad / batch_size  # type: ignore[operator]


def _rebound_then_zeroed(params: list[Tensor], lr: float, batch_size: int) -> None:
    with torch.no_grad():
        for param in params:
            param = param - lr * param.grad / batch_size  # type: ignore[operator]
            param.grad.zero_()  # type: ignore[union-attr] # of the new tensor, which has none


def _zeroed_before(params: list[Tensor], lr: float, batch_size: int) -> None:
    for param in params:
        param.grad.zero_()  # type: ignore[union-attr]


def _first_only(params: list[Tensor], lr: float, batch_size: int) -> None:
    sgd(params[:1], lr, batch_size)


_REBOUND = Words(
    "The tensors that were passed in are what they were. A new tensor, under the old name or in a list of its own, "
    "does not reach the model: the parameter itself has to be changed.",
    "传进来的张量还是老样子。另建一个新张量，不管沿用旧名字还是放进新列表，都到不了模型那里：要修改的是参数本身。",
)

SGD = Exercise(
    name="sgd",
    section="3.2.6",
    task=Words(
        "Take one step of minibatch stochastic gradient descent.\n"
        "The gradients are those of the losses' sum over the minibatch; the step is to follow their mean.\n"
        "Change the parameters themselves, and leave their gradients at 0 for the next step.",
        "做一步小批量随机梯度下降。\n"
        "梯度是小批量中损失之和的梯度，更新时要用它的平均。\n"
        "要修改参数本身，并把梯度清零，供下一步使用。",
    ),
    arguments={
        "params": Words(
            "list of the parameters; each has its gradient in `grad`", "参数的列表，各自的梯度在 `grad` 中"
        ),
        "lr": Words("learning rate", "学习率"),
        "batch_size": Words("number of examples in the minibatch", "批量大小，即小批量中的样本数"),
    },
    returns=Words("nothing", "无"),
    inputs=(
        given(
            params=[
                _parameter(tensor([1.0, 2.0]), tensor([10.0, -20.0])),
                _parameter(tensor([0.5]), tensor([5.0])),
            ],
            lr=0.1,
            batch_size=10,
        ),
        given(
            params=[
                _parameter(tensor([[2.0], [-3.0], [4.0]]), tensor([[1.0], [8.0], [-6.0]])),
                _parameter(tensor([-1.0]), tensor([2.0])),
            ],
            lr=0.5,
            batch_size=4,
        ),
        given(params=[_parameter(tensor([[1.0, -1.0]]), tensor([[3.0, 6.0]]))], lr=0.03, batch_size=3),
    ),
    truth=sgd,
    observe=observe_step,
    mistakes=(
        Mistake(
            "not divided",
            lambda params, lr, batch_size: _step(params, -lr),
            Words(
                "The step grows with the number of examples. One of the arguments has not been used.",
                "样本越多，步子就越大。有一个参数还没有用上。",
            ),
        ),
        Mistake(
            "no learning rate",
            lambda params, lr, batch_size: _step(params, -1 / batch_size),
            Words("The step does not depend on the learning rate.", "步长与学习率无关了。"),
        ),
        Mistake(
            "uphill",
            lambda params, lr, batch_size: _step(params, lr / batch_size),
            Words(
                "The gradient points to where the loss grows. This step goes uphill.",
                "梯度指向损失增大的方向。这一步是在往上走。",
            ),
        ),
        Mistake(
            "divided twice",
            lambda params, lr, batch_size: _step(params, -lr / batch_size**2),
            Words("The step is divided by the batch size twice.", "批量大小被除了两次。"),
        ),
        Mistake(
            "multiplied",
            lambda params, lr, batch_size: _step(params, -lr * batch_size),
            Words(
                "How does a mean come from a sum? The batch size enters the wrong way round.",
                "平均怎样由总和得来？批量大小用反了。",
            ),
        ),
        Mistake(
            "not zeroed",
            _not_zeroed,
            Words(
                "The step is right, but the gradients are still there. `backward` adds to what it finds, so the next "
                "step would follow the sum of both.",
                "这一步是对的，但梯度还留着。`backward` 是在原有的梯度上累加，下一步就会用两次梯度之和。",
            ),
        ),
        Mistake("rebound", _rebound, _REBOUND),
        Mistake("rebound", _rebound_then_zeroed, _REBOUND),
        Mistake(
            "zeroed before",
            _zeroed_before,
            Words(
                "The gradients are 0 and the parameters have not moved. In which order are they used and cleared?",
                "梯度已经是 0，参数却没有动。想想使用梯度和清零的先后次序。",
            ),
        ),
        Mistake(
            "with gradients",
            _without_no_grad,
            Words(
                "PyTorch wants to record every change of a parameter, and refuses one in place. The step is not part "
                "of the model: it must not be recorded.",
                "PyTorch 会记录对参数的每次运算，因此不允许原地修改。更新不是模型的一部分，不应被记录。",
            ),
        ),
        Mistake(
            "first only",
            _first_only,
            Words(
                "Only the first parameter has moved. Does the loop end too early?",
                "只有第一个参数动了。循环是不是结束得太早？",
            ),
        ),
    ),
    otherwise=Words(
        "Work out the first parameter after the step on paper, and compare.",
        "在纸上算出第一个参数更新之后的值，再来比较。",
    ),
    differs={
        "params": Words(
            "the parameters are not what they should be after the step.", "更新之后，参数的值不对。"
        ),
        "gradients": Words("the gradients are not 0 after the step.", "更新之后，梯度不是 0。"),
        "trainable": Words(
            "the parameters no longer ask for gradients (`requires_grad` is False).",
            "参数不再要求梯度（`requires_grad` 变成了 False）。",
        ),
    },
)
