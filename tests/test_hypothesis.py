"""The language of linear hypotheses, for both models: what it means, and what is said of what it does not know."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from onelayer import LinearRegression, OneLayerError, SoftmaxRegression
from onelayer.inference.hypothesis import parse_hypotheses

NAMES = ["intercept", "age", "area, m2", "city=Ulm", "a`b"]
CLASSES = ["b", "new car", "x]y"]


def rows_of(text, *classes):
    R, r, _ = parse_hypotheses(text, NAMES, *classes)
    return R.tolist(), r.tolist()


@pytest.mark.parametrize(
    ("text", "R", "r"),
    [
        ("age = 2 * `area, m2`", [[0, 1, -2, 0, 0]], [0]),
        ("age", [[0, 1, 0, 0, 0]], [0]),
        ("age = 3, intercept = -1e-1", [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]], [3, -0.1]),
        ("2 * (age - `city=Ulm`) / 4 = 1 + .5 * `a``b`", [[0, 0.5, 0, -0.5, -0.5]], [1]),
        ("-age + 3 = +age * 2 - (1 - age)", [[0, -4, 0, 0, 0]], [-4]),
    ],
)
def test_what_words_mean(text, R, r):
    assert rows_of(text) == (R, r)


def test_classes_stand_in_brackets_and_without_one_each_is_meant():
    R, r = rows_of("[b]age = 2 * [new car]age + 1, [x]]y]`area, m2`", CLASSES, "a")
    expected = np.zeros((2, 3, 5))
    expected[0, 0, 1], expected[0, 1, 1], expected[1, 2, 2] = 1, -2, 1
    assert expected.reshape(2, 15).tolist() == R and r == [1, 0]
    R, r, written = parse_hypotheses("age = 2 * intercept + 3", NAMES, CLASSES, "a")
    assert R.tolist() == np.kron(np.eye(3), [-2, 1, 0, 0, 0]).tolist() and r.tolist() == [3] * 3
    assert written == tuple(f"age = 2 * intercept + 3, of {name}" for name in CLASSES)
    assert rows_of("[b]age = intercept", ["b"], "a") == ([[-1, 1, 0, 0, 0]], [0])  # the only one is meant


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.sampled_from(range(3)), st.sampled_from(range(5))), min_size=1),
    st.integers(-5, 5),
)
def test_sums_add_up(parts, value):
    quoted = [f"`{name.replace('`', '``')}`" for name in NAMES]
    labels = [name.replace("]", "]]") for name in CLASSES]
    text = " + ".join(f"({k}) * [{labels[a]}] {quoted[j]}" for k, a, j in parts)
    expected = np.zeros((3, 5))
    for k, a, j in parts:
        expected[a, j] += k
    if not expected.any():
        with pytest.raises(OneLayerError, match="says nothing of any coefficient"):
            rows_of(text, CLASSES, "a")
    else:
        assert rows_of(f"{text} = {value}", CLASSES, "a") == ([expected.ravel().tolist()], [value])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("aeg", "character 1: there is no coefficient 'aeg'; did you mean 'age'"),
        ("[b]zzz", "character 4: there is no coefficient 'zzz'; there are 'intercept', 'age'"),
        ("[new cat]age", "character 1: there is no class 'new cat'; did you mean 'new car'"),
        ("age = [7]age", r"character 7: there is no class '7'; there are 'b', 'new car', 'x\]y'"),
        ("[a]age = 0", "'a' is the reference: the others are compared with it, and its coefficients are 0"),
        (
            "[b]age = intercept",
            "character 1: it names the class of some coefficients, and not that of others",
        ),
        ("[b]2 = age", "character 4: expected the name of a coefficient, found '2'"),
        ("[b] = age", "expected the name of a coefficient, found '='"),
        ("[b age", "character 1: found '\\['"),
        ("age * age", "coefficients are multiplied by each other: that is not linear"),
        ("age / 0", "only a number that is not 0 may divide"),
        ("2 = 2", "it says nothing of any coefficient"),
        ("age age", "character 5: expected"),
        ("", "expected a coefficient or a number, found the end"),
        ("1e999 * age", "beyond the numbers of float64"),
        ("(" * 60 + "age", "more than 50 parentheses are open"),
        ("age + " * 2000, "more than 10,000"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, message):
    with pytest.raises(OneLayerError, match=f"hypothesis.*{message}"):
        parse_hypotheses(text, NAMES, CLASSES, "a")


def test_targets_have_no_classes_and_names_have_to_be_one():
    with pytest.raises(OneLayerError, match=r"\[b\] names a class, and here are none"):
        parse_hypotheses("[b]age", NAMES)
    with pytest.raises(OneLayerError, match="2 coefficients are called 'age'; give a matrix"):
        parse_hypotheses("age", ["age", "age"])


# Both models


def table(q):
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(300, 3)), columns=["age", "area, m2", "x.y"])
    y = (X.to_numpy() @ random.normal(size=(3, q)) / 2 + random.gumbel(size=(300, q))).argmax(axis=1)
    return X, y


def test_words_are_the_matrix_of_both_models_and_statsmodels():
    X, y = table(3)
    model = SoftmaxRegression(C=np.inf, tol=1e-13).fit(X, np.array(["no", "may be", "yes"])[y])
    assert model.classes_.tolist() == ["may be", "no", "yes"]
    found = model.test("[yes]age = 2 * [no]`area, m2` - 0.1, [no]intercept", cov="HC0")
    R = np.zeros((2, 8))
    R[0, 5], R[0, 2], R[1, 0] = 1, -2, 1
    expected = model.test(R, [-0.1, 0], cov="HC0")
    assert found.statistic == expected.statistic and found.df == 2
    assert found.hypotheses == ("[yes]age = 2 * [no]`area, m2` - 0.1", "[no]intercept")
    theirs = sm.MNLogit((y + 1) % 3, sm.add_constant(X)).fit(disp=0, tol=1e-12, cov_type="HC0")
    # Its classes are ours in another order, of which the first is its reference: yes, no, may be.
    ours = model.test("[no]age, [may be]age = 2 * [no]`x.y`", reference="yes", cov="HC0")
    L = np.zeros((2, 8))
    L[0, 1], L[1, 5], L[1, 3] = 1, 1, -2
    test = theirs.wald_test(L, use_f=False, scalar=True)
    np.testing.assert_allclose([ours.statistic, ours.p], [test.statistic, test.pvalue], rtol=1e-7)
    single = theirs.t_test(L)
    np.testing.assert_allclose(ours.estimate, single.effect, rtol=1e-7)
    np.testing.assert_allclose(ours.std_err, single.sd, rtol=1e-7)
    np.testing.assert_allclose(ours.z, single.tvalue, rtol=1e-7)
    np.testing.assert_allclose(ours.interval(0.9), single.conf_int(0.1), rtol=1e-7)
    at_all = model.test("age")
    assert at_all.df == 2 and at_all.hypotheses == ("age, of no", "age, of yes")
    assert at_all.statistic == pytest.approx(model.test("age", reference="yes").statistic, rel=1e-9)
    assert str(at_all).splitlines()[0].startswith("age, of no: off by ") and "χ²(2) = " in str(at_all)


def test_two_classes_need_no_brackets():
    X, y = table(2)
    model = SoftmaxRegression(C=np.inf, tol=1e-13).fit(X, y)
    assert model.test("age = 2 * `x.y`").statistic == model.test("[1]age = 2 * [1]`x.y`").statistic
    assert model.test("age").statistic == pytest.approx(model.summary().z[0, 1] ** 2, rel=1e-9)
    for text, r, message in (
        ("[0]age", None, "'0' is the reference"),
        ("age", 1.0, "r goes with a matrix; in words, the value stands right of ="),
        ("age, age = 1", None, "the hypotheses contradict each other"),
    ):
        with pytest.raises(OneLayerError, match=message):
            model.test(text, r)


def test_what_the_rows_do_not_determine_is_named_as_it_was_written():
    X, y = table(2)
    with pytest.warns(UserWarning):
        model = SoftmaxRegression(C=np.inf).fit(X.assign(twice=2 * X["age"]), y)
    with pytest.raises(OneLayerError, match="the rows do not determine what twice = 1 is about"):
        model.test("`x.y`, twice = 1")
    linear = LinearRegression().fit(X, y)
    with pytest.raises(OneLayerError, match=r"\[1\] names a class, and here are none"):
        linear.test("[1]age")
