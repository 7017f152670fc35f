"""The words that all exercises share: verdicts, ways in which a value can be wrong, and errors."""

from onelayer.exercises.exercise import Words

RIGHT = Words("right on all {n} inputs.", "{n} 组输入，结果都对。")
RIGHT_BUT = Words("right, but for very large numbers. {remark}", "结果对，只是数很大时还不行。{remark}")
NOT_DONE = Words("not done yet.", "还没有完成。")
HINT = Words("Hint: ", "提示：")
EXPECTED = Words("expected: ", "应为：")
GOT = Words("got:      ", "得到：")
RETURNS = Words("returns", "返回")

UNCALLABLE = Words("it has other parameters than it is called with.", "它的参数与调用的方式不符。")
UNCALLABLE_HINT = Words(
    "Give the function the parameters that are expected, in that order, and no others without a default.",
    "参数及其顺序要与应有的一致；多出来的参数必须有默认值。",
)

# How a result can be wrong: what to say, and the hint where no typical mistake is recognised. None: the exercise's own.
KINDS: dict[str, tuple[Words, Words | None]] = {
    "nothing": (
        Words("it returns nothing (`None`).", "没有返回值（得到 `None`）。"),
        Words(
            "The result is computed and then lost: does every path through the function end in `return`?",
            "算出的结果没有交出来：函数的每条路径都以 `return` 结束吗？",
        ),
    ),
    "generator": (
        Words("it returns a generator.", "返回的是生成器。"),
        Words(
            "`yield` turns a function into a generator. Here one value is wanted.",
            "`yield` 会把函数变成生成器，而这里只要一个值。",
        ),
    ),
    "not a tensor": (
        Words("it returns a value of type `{type}`, not a tensor.", "返回值的类型是 `{type}`，而不是张量。"),
        Words(
            "Stay with tensors from beginning to end: what becomes a number, a list or an array in between loses its "
            "gradient too.",
            "从头到尾都用张量：中途变成数、列表或数组，梯度也就断了。",
        ),
    ),
    "truths": (
        Words("it returns truth values, not numbers.", "返回的是布尔值，而不是数值。"),
        Words(
            "A comparison gives True and False, which cannot be subtracted from other tensors. Turn them into "
            "numbers.",
            "比较得到的是 True 和 False，不能与别的张量相减。要把它们变成数值。",
        ),
    ),
    "not one number": (
        Words(
            "it returns a tensor of shape {shape}, not one number.",
            "返回的张量形状是 {shape}，而不是一个数。",
        ),
        Words(
            "What is asked for is one number for all rows together.", "这里要的是一个数，对所有行合在一起算。"
        ),
    ),
    "not a number": (
        Words("it returns a value of type `{type}`, not a number.", "返回值的类型是 `{type}`，而不是数值。"),
        Words(
            "What is asked for is one number for all rows together.", "这里要的是一个数，对所有行合在一起算。"
        ),
    ),
    "transposed": (
        Words(
            "rows and columns are exchanged: the shape is {got}, not {expected}.",
            "行和列颠倒了：形状是 {got}，而不是 {expected}。",
        ),
        Words("One row belongs to each example.", "每个样本对应一行。"),
    ),
    "shape": (
        Words("the shape of the result is {got}, not {expected}.", "结果的形状是 {got}，而不是 {expected}。"),
        Words(
            "Write down the shape after each step. Where does it first differ from what you expect?",
            "写下每一步之后的形状：从哪一步起和你想的不一样？",
        ),
    ),
    "not finite": (
        Words("some values are infinite or not numbers (nan).", "有些值是无穷大，或者不是数（nan）。"),
        Words(
            "Look for a division by 0, a logarithm of 0, or the exponential of a large number.",
            "看看有没有除以 0、对 0 取对数，或者对很大的数取指数。",
        ),
    ),
    "zero": (
        Words("all values are 0.", "所有的值都是 0。"),
        Words(
            "Is the result what you computed, or still what it started with? Integer division also gives 0.",
            "返回的是算出来的结果，还是它的初值？整除也会得到 0。",
        ),
    ),
    "factor": (
        Words("every value is {factor} times what it should be.", "每个值都是应有值的 {factor} 倍。"),
        Words(
            "A factor is missing, or is there once too often. It is the same for all values.",
            "少了一个因子，或者多了一个。它对所有的值都相同。",
        ),
    ),
    "offset": (
        Words("every value is off by the same amount, {offset}.", "每个值都与应有值相差同一个数：{offset}。"),
        Words(
            "A term is missing, or is there once too often. It is the same for all values.",
            "少了一项，或者多了一项。它对所有的值都相同。",
        ),
    ),
    "values": (Words("the result is wrong.", "结果不对。"), None),
}

CHANGED = Words("it changes its input: {names}.", "它改动了输入：{names}。")
CHANGED_HINT = Words(
    "Operators such as `-=`, and methods that end in `_`, write into the tensor that was passed in. Make a new one.",
    "`-=` 这类运算符和以 `_` 结尾的方法会直接写入传进来的张量。请另建一个新的张量。",
)
GRADIENT = Words(
    "the values are right, but backpropagation through them gives wrong gradients, or none.",
    "值是对的，但反向传播得不到梯度，或者梯度不对。",
)

RAISED = Words("it raises `{kind}`.", "它抛出了 `{kind}`。")
RAISED_IN_LINE = Words("it raises `{kind}` in line {line}.", "它在第 {line} 行抛出了 `{kind}`。")
LINE = Words("line {line}: {source}", "第 {line} 行：{source}")

# By the error's type and a part of its message: the first that fits.
ERROR_HINTS: tuple[tuple[str, str, Words], ...] = (
    (
        "NameError",
        "",
        Words(
            "The function does not know this name. What it needs comes in through its parameters, or is imported or "
            "defined before the call.",
            "函数不认识这个名字。需要的东西要么由参数传入，要么在调用之前导入或定义。",
        ),
    ),
    (
        "UnboundLocalError",
        "",
        Words(
            "A name that is assigned anywhere in a function is local in all of it. Give it a value before this line.",
            "函数里任何地方赋过值的名字，在整个函数里都是局部变量。在这一行之前先给它赋值。",
        ),
    ),
    (
        "RuntimeError",
        "element 0 of tensors does not require grad",
        Words(
            "`backward` finds no way back to the parameters: something on the way from them to the loss dropped it.",
            "`backward` 找不到回到参数的路：从参数到损失的途中，有一步把它断开了。",
        ),
    ),
    (
        "RuntimeError",
        "dtype",
        Words(
            "Tensors of different types meet here. Look at the `dtype` of each.",
            "这里有类型不同的张量。看看各自的 `dtype`。",
        ),
    ),
    (
        "NotImplementedError",
        "",
        Words(
            "PyTorch has this operation for other types of numbers only. Look at the `dtype`.",
            "PyTorch 的这个运算只支持别的数值类型。看看 `dtype`。",
        ),
    ),
    (
        "RuntimeError",
        "size",
        Words(
            "These shapes do not fit each other. Write down the shape of each tensor in this line.",
            "这些形状配不上。写下这一行里每个张量的形状。",
        ),
    ),
    (
        "RuntimeError",
        "shape",
        Words(
            "These shapes do not fit each other. Write down the shape of each tensor in this line.",
            "这些形状配不上。写下这一行里每个张量的形状。",
        ),
    ),
    (
        "IndexError",
        "",
        Words(
            "A position is out of range: positions go from 0 to the length less 1.",
            "位置超出了范围：位置从 0 数到长度减 1。",
        ),
    ),
    (
        "AttributeError",
        "NoneType",
        Words(
            "Something here is `None`: a function without `return`, or a gradient that has not been computed.",
            "这里有个东西是 `None`：可能是没有 `return` 的函数，也可能是还没有算出来的梯度。",
        ),
    ),
    (
        "AttributeError",
        "",
        Words(
            "The value has another type than you think. Look at its `type`.",
            "这个值的类型和你想的不同。看看它的 `type`。",
        ),
    ),
    (
        "TypeError",
        "",
        Words(
            "A value here has another type than the operation takes. Look at the `type` of each.",
            "这里有个值的类型与运算要求的不同。看看每个值的 `type`。",
        ),
    ),
)
ERROR_HINT = Words(
    "Run this line by itself on the input above, and look at each value in it.",
    "用上面的输入单独运行这一行，看看其中的每个值。",
)
