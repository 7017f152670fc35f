"""The exercises: what learners write is judged rightly, and what is said helps and gives nothing away."""

import ast
import importlib.util
import random
import re
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

import onelayer
from learners import RIGHT, WRONG
from onelayer import exercises
from onelayer.errors import OneLayerError
from onelayer.exercises import wording
from onelayer.exercises.comparing import agree, alike, difference
from onelayer.exercises.exercise import Words
from onelayer.exercises.judging import judge
from onelayer.exercises.showing import lines_of

ALL = [exercises._EXERCISES[name] for name in exercises.names()]
LANGUAGES = ("en", "zh")
HAN = re.compile(r"[\u4e00-\u9fff]")


def named(cases):
    return [pytest.param(*case, id=f"{case[0]}-{getattr(case[1], '__name__', '')}") for case in cases]


def every_words():
    """Yield (where, words) for every text there is."""
    for exercise in ALL:
        yield exercise.name, exercise.task
        yield exercise.name, exercise.returns
        yield exercise.name, exercise.otherwise
        for name, words in (exercise.arguments | dict(exercise.differs)).items():
            yield f"{exercise.name}: {name}", words
        for mistake in exercise.mistakes:
            yield f"{exercise.name}: {mistake.name}", mistake.hint
    for name, value in vars(wording).items():
        if isinstance(value, Words):
            yield name, value
    for kind, (sentence, hint) in wording.KINDS.items():
        yield kind, sentence
        if hint:
            yield kind, hint
    for kind, _, hint in wording.ERROR_HINTS:
        yield kind, hint


# Learners


@pytest.mark.parametrize(("name", "function"), named(RIGHT))
def test_a_right_function_passes(name, function):
    verdict = exercises.check(name, function)
    assert verdict, verdict
    assert str(verdict).startswith(f"✓ {name} · right") and "\n" not in str(verdict)


@pytest.mark.parametrize(("name", "function", "mistake", "phrase"), named(WRONG))
def test_a_wrong_function_gets_the_hint_at_its_mistake(name, function, mistake, phrase):
    verdict = exercises.check(name, function)
    assert not verdict.passed
    assert verdict.mistake == mistake
    sentence, *_, hint = verdict.message.split("\n\n")
    assert hint.startswith("Hint: ") and phrase in hint
    assert "\n" not in sentence and sentence.endswith(".")


@pytest.mark.parametrize("name", exercises.names())
def test_every_exercise_has_right_variants_and_five_mistakes_of_learners(name):
    assert sum(exercise == name for exercise, _ in RIGHT) >= 2
    assert len({mistake for exercise, _, mistake, _ in WRONG if exercise == name} - {""}) >= 5


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
def test_mistakes_are_told_apart(exercise):
    for mistake in exercise.mistakes:
        verdict = judge(exercise, mistake.made, "en")
        assert (verdict.passed, verdict.mistake) == (mistake.is_forgiven, mistake.name)


# The truth, by PyTorch's own functions


def test_what_counts_as_true():
    truth = {exercise.name: exercise.truth for exercise in ALL}
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 4, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(4, (7,), generator=generator)
    W, b = torch.randn(4, 3, generator=generator, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    X, close = logits.detach(), partial(torch.testing.assert_close, check_dtype=False)
    close(truth["linreg"](X, W[:, :1], b[:1]), F.linear(X, W[:, :1].T, b[:1]))
    close(truth["squared_loss"](X[:, :1], X[:, 1]), F.mse_loss(X[:, :1], X[:, 1:2], reduction="none") / 2)
    close(truth["one_hot"](labels, 4), F.one_hot(labels, 4))
    close(truth["softmax"](X), F.softmax(X, 1))
    close(truth["net"](X, W, b), F.softmax(F.linear(X, W.T, b), 1))
    close(truth["cross_entropy"](F.softmax(X, 1), labels), F.cross_entropy(X, labels, reduction="none"))
    F.cross_entropy(logits, labels, reduction="sum").backward()
    close(truth["cross_entropy_gradient"](X, labels), logits.grad)
    assert truth["accuracy"](F.one_hot(labels, 4), labels) == 7
    assert truth["accuracy"](F.one_hot(3 - labels, 4), labels) == 0


def test_a_true_step_is_that_of_pytorchs_optimizer():
    ours, theirs = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    for p in (ours, theirs):
        p.grad = torch.tensor([3.0, -5.0])
    exercises._EXERCISES["sgd"].truth([ours], 0.2, 4)
    torch.optim.SGD([theirs], lr=0.2 / 4).step()
    torch.testing.assert_close(ours, theirs)
    assert not ours.grad.any()


# What is said


def broadcasting(y_hat, y):
    return (y_hat - y) ** 2 / 2


def test_a_verdict_shows_input_and_result_with_their_shapes():
    text = str(exercises.check("squared_loss", broadcasting))
    assert text.startswith("✗ squared_loss · the shape of the result is (3, 3), not (3, 1).")
    assert (
        "    y_hat = tensor([[2.],\n                    [4.],\n                    [7.]])  # shape (3, 1)"
        in text
    )
    assert "y = tensor([1.0000, 6.0000, 6.5000])  # shape (3,)" in text
    assert "[18.0000,  0.5000,  0.1250]])  # shape (3, 3)" in text


def test_the_first_input_that_fails_is_shown_in_full():
    verdict = exercises.check("softmax", lambda X: X.softmax(1).float() if X.dtype == torch.float32 else X)
    assert "dtype=torch.float64" in verdict.message and "[0.0000, 1.0000, 3.0000]" in verdict.message


def test_a_verdict_is_the_same_everywhere():
    verdict = exercises.check("squared_loss", broadcasting)
    assert repr(verdict) == str(verdict)
    markdown = verdict._repr_markdown_()
    assert markdown.startswith("✗ `squared_loss` · the shape")
    for line in markdown.split("\n\n", 1)[1].rsplit("\n\n", 1)[0].split("\n"):
        assert not line or line.startswith("    ")  # code: what Markdown would read as markup is not
    with pytest.raises(AttributeError):
        verdict.passed = True


def test_chinese_verdicts_are_chinese():
    verdict = exercises.check("squared_loss", broadcasting, language="zh")
    sentence, *details, hint = verdict.message.split("\n\n")
    assert sentence == "结果的形状是 (3, 3)，而不是 (3, 1)。"
    assert hint.startswith("提示：") and "广播" in hint
    assert "应为：tensor" in details[-1] and "# 形状 (3, 3)" in details[-1]
    assert exercises.check(
        "squared_loss", lambda y_hat, y: (y_hat - y.reshape(y_hat.shape)) ** 2 / 2, "zh"
    ).message == ("6 组输入，结果都对。")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "function", "mistake", "phrase"), named(WRONG))
def test_no_verdict_mixes_languages(name, function, mistake, phrase, language):
    verdict = exercises.check(name, function, language)
    sentence, *_, hint = verdict.message.split("\n\n")
    assert verdict.mistake == mistake
    assert bool(HAN.search(sentence)) == bool(HAN.search(hint)) == (language == "zh")
    assert "{" not in sentence + hint


@pytest.mark.parametrize(("where", "words"), [pytest.param(*each, id=each[0]) for each in every_words()])
def test_words_are_there_in_both_languages(where, words):
    fields = re.compile(r"\{\w+\}")
    assert not HAN.search(words.en) and sorted(fields.findall(words.en)) == sorted(fields.findall(words.zh))
    chinese = re.sub(r"`[^`]*`|\{\w+\}|\([^()]*\)", "", words.zh)
    assert HAN.search(chinese)
    assert not re.search(r"[,;:?!]|\.$|[\u4e00-\u9fff][a-zA-Z0-9]|[a-zA-Z0-9][\u4e00-\u9fff]", chinese)
    if where != "HINT":
        assert words.en.rstrip()[-1] == ":" or words.zh[-1] not in "。？" or words.en[-1] in ".?"


# Errors of the learner's function


def raising(X, w, b):
    """Return predictions."""
    scale = 2
    return X @ w + missing * scale  # noqa: F821


def test_an_error_is_told_with_its_line_and_input():
    line = raising.__code__.co_firstlineno + 3
    verdict = exercises.check("linreg", raising)
    assert verdict.message.startswith(f"it raises `NameError` in line {line}.")
    assert f"line {line}: return X @ w + missing * scale" in verdict.message
    assert "NameError: name 'missing' is not defined" in verdict.message
    assert "    w = tensor([[ 2.],\n                [-3.]])  # shape (2, 1)" in verdict.message
    assert "does not know this name" in verdict.message
    assert "Traceback" not in verdict.message and "onelayer/" not in verdict.message
    assert f"第 {line} 行" in exercises.check("linreg", raising, "zh").message


@pytest.mark.parametrize(
    ("function", "phrase"),
    [
        (lambda X, w, b: X @ w.T @ b, "shape of each tensor"),
        (lambda X, w, b: X[7], "positions go from 0"),
        (lambda X, w, b: X.weights, "Look at its `type`"),
        (lambda X, w, b: None + X, "type"),
        (lambda X, w, b: w.grad.zero_(), "`None`"),
        (lambda X, w, b: X @ w.double(), "`dtype`"),
        (lambda X, w, b: 1 / 0, "Run this line by itself"),
        (lambda X, w, b: X @ w.sum().backward(), "no way back"),
    ],
)
def test_an_error_has_a_hint_of_its_kind(function, phrase):
    assert phrase in exercises.check("linreg", function).message.split("\n\n")[-1]


@pytest.mark.parametrize("function", [lambda X: X, lambda X, w, b, more: X, lambda: 0, lambda *, X, w, b: X])
def test_a_function_with_other_parameters_is_shown_the_right_ones(function):
    verdict = exercises.check("linreg", function)
    assert not verdict.passed
    assert "expected: linreg(X, w, b)" in verdict.message and "weights, shape (d, 1)" in verdict.message


def test_further_parameters_may_have_defaults():
    def with_more(X, w, b, scale=1, **others):
        return X @ w + b

    assert exercises.check("linreg", with_more)
    assert exercises.check("linreg", partial(with_more, scale=2))


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda X, w, b: print(end=""), "it returns nothing"),
        (lambda X, w, b: (X @ w + b).tolist(), "type `list`"),
        (lambda X, w, b: (x for x in X), "generator"),
        (lambda X, w, b: (X @ w + b) > 0, "truth values"),
        (lambda X, w, b: (X @ w + b) / 0, "infinite"),
        (lambda X, w, b: (X @ w + b) * 0, "all values are 0"),
        (lambda X, w, b: (X @ w + b) * 3, "every value is 3 times"),
        (lambda X, w, b: (X @ w + b) + 3, "off by the same amount, +3"),
        (lambda X, w, b: X, "shape of the result is (3, 2), not (3, 1)"),
        (lambda X, w, b: (X @ w + b) ** 3, "the result is wrong"),
        (lambda X, w, b: X.mul_(w.T).sum(1, keepdim=True) + b, "it changes its input: X"),
    ],
)
def test_what_no_typical_mistake_explains_is_told_by_how_it_differs(function, sentence):
    verdict = exercises.check("linreg", function)
    assert sentence in verdict.message and verdict.mistake == ""
    assert "Hint: " in verdict.message


# Gaps


def bare(*arguments):
    """Docstring."""
    ...


def passes(*arguments):
    pass


def returns_dots(*arguments):
    return ...


def raises(*arguments):
    raise NotImplementedError


def computes_with_a_gap(*arguments):
    value = ...
    return value**2


def yields_a_gap(*arguments):
    for _ in range(3):
        yield ...


@pytest.mark.parametrize("name", exercises.names())
@pytest.mark.parametrize("gap", [bare, passes, returns_dots, raises, computes_with_a_gap])
def test_a_gap_is_not_done_yet(name, gap):
    english, chinese = (exercises.check(name, gap, language) for language in LANGUAGES)
    assert str(english) == f"○ {name} · not done yet." and str(chinese) == f"○ {name} · 还没有完成。"
    assert not english.passed and english.mistake == "not done"


def test_a_constant_is_an_answer_and_no_gap():
    assert "type `int`" in exercises.check("linreg", lambda X, w, b: 0).message
    assert exercises.check("accuracy", lambda y_hat, y: 0.5).mistake == ""


def test_a_reader_that_yields_a_gap_is_not_done_yet():
    assert exercises.check("data_iter", yields_a_gap).mistake == "not done"


def test_an_operation_that_pytorch_lacks_is_an_error_and_no_gap():
    verdict = exercises.check("softmax", lambda X: torch.softmax(X.long(), 1))
    assert "not implemented for 'Long'" in verdict.message and verdict.mistake != "not done"
    assert "`dtype`" in verdict.message


# Tasks and stubs


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", exercises.names())
def test_a_stub_is_a_function_that_is_not_done_yet(name, language, tmp_path):
    source = exercises.stub(name, language)
    assert len(source) < 1200 and all(len(line) <= 110 for line in source.split("\n"))
    [function] = ast.parse(source).body
    assert function.name == name and isinstance(function.body[-1].value.value, type(...))
    assert bool(HAN.search(ast.get_docstring(function))) == (language == "zh")
    path = tmp_path / "stub.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("stub", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert exercises.check(name, getattr(module, name), language).mistake == "not done"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.name)
def test_a_task_names_every_parameter(exercise, language):
    text = exercises.task(exercise.name, language)
    assert all(f"- `{name}`" in text for name in exercise.arguments)
    assert bool(HAN.search(text)) == (language == "zh")


# Misuse, and what is left behind


def test_misuse_is_told_in_a_sentence():
    with pytest.raises(
        OneLayerError, match=r"no exercise 'squared'; there are data_iter, linreg, squared_loss"
    ):
        exercises.check("squared", broadcasting)
    with pytest.raises(OneLayerError, match="no exercise"):
        exercises.stub("squared")
    with pytest.raises(OneLayerError, match="language must be 'en' or 'zh', not 'de'"):
        exercises.task("sgd", "de")
    with pytest.raises(OneLayerError, match="the function itself, without parentheses, not a Tensor"):
        exercises.check("softmax", torch.ones(2))


def test_random_generators_are_left_as_they_were():
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    before = states()
    for name, function in RIGHT:
        exercises.check(name, function)
    assert states() == before


def test_it_works_without_gradients():
    with torch.no_grad():
        assert exercises.check("linreg", lambda X, w, b: X @ w + b)
        assert not torch.is_grad_enabled()


def test_it_is_found_in_the_package():
    assert onelayer.exercises is exercises and "exercises" in dir(onelayer)
    assert len(exercises.names()) == len(set(exercises.names())) == 11


# Comparing, for any values

NUMBERS = st.floats(-100, 100).filter(lambda x: abs(x) > 0.01)
VALUES = st.lists(NUMBERS, min_size=2, max_size=6).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


@given(VALUES, st.sampled_from([torch.float32, torch.float64]))
def test_values_agree_in_any_type_of_numbers(values, dtype):
    assert agree(values.to(dtype), values) and alike(values.to(dtype), values)


@given(VALUES, st.integers(0, 5), st.floats(0.01, 10))
def test_one_wrong_value_is_enough_to_disagree(values, i, error):
    wrong = values.clone()
    wrong[i % len(wrong)] *= 1 + error
    assert not agree(wrong, values) and not agree(values, wrong)


@given(VALUES, NUMBERS.filter(lambda factor: abs(factor - 1) > 0.01))
def test_a_common_factor_is_found(values, factor):
    kind, words = difference(values * factor, values)
    assert kind == "factor" and float(words["factor"]) == pytest.approx(factor, rel=1e-3)


@given(VALUES)
def test_a_column_is_a_vector_only_where_that_is_said(values):
    column = values.reshape(-1, 1)
    assert agree(values, column, or_vector=True) and agree(column, values, or_vector=True)
    assert not agree(values, column) and not agree(column.T, column, or_vector=True)


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=3, max_size=5))
def test_what_is_exchanged_is_called_transposed(rows):
    values = torch.tensor(rows)
    assert difference(values.T, values)[0] == "transposed"


@given(st.integers(0, 3), st.integers(0, 40))
def test_large_results_are_cut(dimensions, size):
    assert len(lines_of("x", torch.zeros([size] * dimensions), "en")) <= 13


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_books_own_softmax_passes_with_a_remark_on_large_numbers(language):
    def softmax(X):
        X_exp = torch.exp(X)
        return X_exp / X_exp.sum(1, keepdim=True)

    verdict = exercises.check("softmax", softmax, language)
    assert verdict.passed and verdict.mistake == "overflow" and "exp(1000)" in verdict.message
    assert exercises.check("softmax", lambda X: X.softmax(1)).mistake == ""
