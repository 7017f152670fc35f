"""Judging a learner's function: it is run on every input, compared with the truth, and its mistake is recognised."""

from dataclasses import dataclass

from onelayer.exercises import wording
from onelayer.exercises.comparing import agree, alike
from onelayer.exercises.exercise import Exercise, Function, Language, Mistake, Observation
from onelayer.exercises.report import Report
from onelayer.exercises.running import (
    GapError,
    Outcome,
    Raised,
    is_gap,
    own_parameters,
    run,
    same_error,
    surroundings_kept,
)

NOT_DONE = "not done"


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found. It shows itself in Jupyter and in the terminal, and is true if the function passed.

    Attributes:
        name: the exercise.
        passed: whether the function is right.
        message: a sentence; and if the function is wrong, the input, what came of it, and a hint.
        mistake: the name of the typical mistake that was recognised, ``"not done"`` for a gap, else empty.

    Example:
        >>> from onelayer import exercises
        >>> verdict = exercises.check("linreg", lambda X, w, b: X @ w + b)
        >>> bool(verdict), verdict.mistake
        (True, '')
    """

    name: str
    passed: bool
    message: str
    mistake: str = ""

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return f"{self._mark} {self.name} · {self.message}"

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return f"{self._mark} `{self.name}` · {self.message}"  # indented lines are code in Markdown

    @property
    def _mark(self) -> str:
        if self.passed:
            return "✓"
        return "○" if self.mistake == NOT_DONE else "✗"


@surroundings_kept()
def judge(exercise: Exercise, function: Function, language: Language) -> Verdict:
    """Run a function on all inputs of an exercise and say what is wrong with the first that it fails on."""
    report = Report(exercise, language)
    try:
        if is_gap(function):
            raise GapError
        parameters = own_parameters(function, len(exercise.arguments))
        if parameters is not None:
            return Verdict(exercise.name, False, report.uncallable(parameters))
        outcomes = [run(exercise, function, make()) for make in exercise.inputs]
    except GapError:
        return Verdict(exercise.name, False, wording.NOT_DONE.of(language), NOT_DONE)
    truths = [_truth(exercise, i) for i in range(len(exercise.inputs))]
    wrong = [_wrong_value(exercise, *pair) for pair in zip(outcomes, truths, strict=True)]
    failed = next((i for i, value in enumerate(wrong) if value is not None), None)
    if failed is None:
        return Verdict(exercise.name, True, wording.RIGHT.of(language, n=len(outcomes)))
    mistake = _recognised(exercise, outcomes, wrong)
    if mistake and mistake.is_forgiven:
        remark = wording.RIGHT_BUT.of(language, remark=mistake.hint.of(language))
        return Verdict(exercise.name, True, remark, mistake.name)
    hint = mistake.hint if mistake else None
    arguments, outcome = exercise.inputs[failed](), outcomes[failed]
    if isinstance(outcome, Raised):
        message = report.raised(arguments, outcome, hint)
    else:
        message = report.differing(arguments, outcome, truths[failed], wrong[failed] or "", hint)
    return Verdict(exercise.name, False, message, mistake.name if mistake else "")


def _truth(exercise: Exercise, i: int) -> Observation:
    truth = run(exercise, exercise.truth, exercise.inputs[i]())
    assert not isinstance(truth, Raised), f"{exercise.name}, input {i}: {truth}"
    return truth


def _wrong_value(exercise: Exercise, outcome: Outcome, truth: Observation) -> str | None:
    """Return the name of the first value that is not as it should be, empty for an error, or None if all are right."""
    if isinstance(outcome, Raised):
        return ""
    for name, expected in truth.values.items():
        if name not in outcome.values or not agree(outcome.values[name], expected, exercise.or_vector):
            return name
    return None


def _recognised(exercise: Exercise, outcomes: list[Outcome], wrong: list[str | None]) -> Mistake | None:
    """Return the mistake that explains the first wrong input, and of these the one that explains most.

    Args:
        exercise: the exercise.
        outcomes: what the learner's function did with each input.
        wrong: for each input what ``_wrong_value`` says of it.
    """
    first = next(i for i, value in enumerate(wrong) if value is not None)
    best, most = None, 0
    for mistake in exercise.mistakes:
        made = [run(exercise, mistake.made, make()) for make in exercise.inputs]
        likeness = [
            0 if value is None else _likeness(outcome, done, value)
            for outcome, done, value in zip(outcomes, made, wrong, strict=True)
        ]
        if likeness[first] and sum(likeness) > most:
            best, most = mistake, sum(likeness)
    return best


def _likeness(outcome: Outcome, made: Outcome, wrong: str) -> int:
    """Return 2 if a function did what one with a mistake does, 1 if so up to the first value that is wrong, else 0."""
    if isinstance(outcome, Raised) or isinstance(made, Raised):
        return 2 * same_error(outcome, made)
    if alike(outcome.values, made.values):
        return 2
    names = [*outcome.values]
    judged = names[: names.index(wrong) + 1] if wrong in names else names
    return int(all(name in made.values and alike(outcome.values[name], made.values[name]) for name in judged))
