"""The functions of the chapter that a learner writes, and a check that says what is wrong with them.

    from onelayer import exercises
    exercises.check("squared_loss", my_squared_loss)

A check runs the function on small inputs and compares it with the truth. If it is wrong, the verdict shows the input
and what came of it, and gives a hint at the mistake, in English or in Chinese. It never tells the solution.
"""

from typing import get_args

from onelayer.errors import OneLayerError
from onelayer.exercises import wording
from onelayer.exercises.classes import ONE_HOT, SOFTMAX
from onelayer.exercises.cross_entropy import CROSS_ENTROPY, CROSS_ENTROPY_GRADIENT
from onelayer.exercises.exercise import Exercise, Function, Language
from onelayer.exercises.judging import Verdict, judge
from onelayer.exercises.predicting import ACCURACY, NET
from onelayer.exercises.reading import DATA_ITER
from onelayer.exercises.regression import LINREG, SQUARED_LOSS
from onelayer.exercises.training import TRAIN_EPOCH
from onelayer.exercises.updating import SGD

__all__ = ["Language", "Verdict", "check", "names", "stub", "task"]

_EXERCISES = {
    exercise.name: exercise
    for exercise in (  # in the book's order
        DATA_ITER,
        LINREG,
        SQUARED_LOSS,
        SGD,
        ONE_HOT,
        CROSS_ENTROPY_GRADIENT,
        SOFTMAX,
        NET,
        CROSS_ENTROPY,
        ACCURACY,
        TRAIN_EPOCH,
    )
}


def names() -> tuple[str, ...]:
    """Return the names of the exercises, in the book's order.

    Example:
        >>> from onelayer import exercises
        >>> exercises.names()[:4]
        ('data_iter', 'linreg', 'squared_loss', 'sgd')
    """
    return tuple(_EXERCISES)


def check(name: str, function: Function, language: Language = "en") -> Verdict:
    """Return what is to be said of a learner's function.

    The function is run on small inputs. What it raises becomes part of the verdict, and random generators are left as
    they were.

    Args:
        name: the exercise, one of ``names()``.
        function: the learner's function, with the parameters that ``stub(name)`` has.
        language: of the verdict, ``"en"`` or ``"zh"``.

    Raises:
        OneLayerError: if there is no such exercise or language, or ``function`` cannot be called.

    Example:
        >>> from onelayer import exercises
        >>> exercises.check("linreg", lambda X, w, b: X @ w)
        ✗ linreg · every value is off by the same amount, -0.5.
        <BLANKLINE>
            X = tensor([[ 1.,  2.],
                        [ 3.,  5.],
                        [-1.,  4.]])  # shape (3, 2)
            w = tensor([[ 2.],
                        [-3.]])  # shape (2, 1)
            b = tensor([0.5000])  # shape (1,)
        <BLANKLINE>
            expected: tensor([[ -3.5000],
                              [ -8.5000],
                              [-13.5000]])  # shape (3, 1)
            got:      tensor([[ -4.],
                              [ -9.],
                              [-14.]])  # shape (3, 1)
        <BLANKLINE>
        Hint: One of the parameters has not been used.
    """
    exercise = _exercise(name, language)
    if not callable(function):
        raise OneLayerError(
            f"check({name!r}, …) takes the function itself, without parentheses, not a {type(function).__name__}"
        )
    return judge(exercise, function, language)


def task(name: str, language: Language = "en") -> str:
    """Return in Markdown what a function has to do, what it takes and what it returns.

    Raises:
        OneLayerError: if there is no such exercise or language.

    Example:
        >>> from onelayer import exercises
        >>> print(exercises.task("linreg"))
        Return the predictions of linear regression, Xw + b, for all examples at once.
        <BLANKLINE>
        - `X`: features, one row for each example, shape (n, d)
        - `w`: weights, shape (d, 1)
        - `b`: bias, shape (1,)
        - returns: predictions, shape (n, 1)
    """
    exercise = _exercise(name, language)
    sentences = ("" if language == "zh" else " ").join(exercise.task.of(language).split("\n"))
    return "\n".join([sentences, "", *(f"- {line}" for line in _items(exercise, language, "`"))])


def stub(name: str, language: Language = "en") -> str:
    """Return the source of a function with a gap, ``...``, to be filled by a learner.

    Raises:
        OneLayerError: if there is no such exercise or language.

    Example:
        >>> from onelayer import exercises
        >>> exercises.stub("linreg").splitlines()[0]
        'def linreg(X, w, b):'
    """
    exercise = _exercise(name, language)
    text = [*exercise.task.of(language).split("\n"), "", *_items(exercise, language)]
    lines = [f'"""{text[0]}', *text[1:], '"""', "..."]
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"def {exercise.signature}:\n{body}\n"


def _items(exercise: Exercise, language: Language, quote: str = "") -> list[str]:
    """Return a line for each parameter, and one for what is returned."""
    colon = "：" if language == "zh" else ": "
    items = [f"{quote}{name}{quote}{colon}{words.of(language)}" for name, words in exercise.arguments.items()]
    return [*items, wording.RETURNS.of(language) + colon + exercise.returns.of(language)]


def _exercise(name: str, language: str) -> Exercise:
    if language not in get_args(Language):
        raise OneLayerError(f"language must be 'en' or 'zh', not {language!r}")
    if name not in _EXERCISES:
        raise OneLayerError(f"there is no exercise {name!r}; there are {', '.join(_EXERCISES)}")
    return _EXERCISES[name]
