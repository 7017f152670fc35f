"""The language of formulas is R's, its errors say where, and a hostile formula is refused before it costs anything."""

import itertools
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onelayer.data.formula import MAX_TERMS, Factor, Formula, Term
from onelayer.data.formula_text import FormulaText, parse_formula
from onelayer.errors import OneLayerError

NAMES = ("a", "b", "c", "x", "z")


def terms_of(text, columns=NAMES):
    return [term.name for term in parse_formula(text).resolved([*columns, "y"], "y").terms]


def test_powers_are_of_numbers_and_degrees_of_sums():
    assert terms_of("I(x^2) + x**3 + I(log(z)) + I(sqrt(z)^2)") == ["x^2", "x^3", "log(z)", "sqrt(z)^2"]
    assert terms_of("(x + a + b)^2") == ["x", "a", "b", "x:a", "x:b", "a:b"]


def test_a_dot_is_all_other_columns():
    assert terms_of(".") == list(NAMES)
    assert terms_of(". - b - c + log(x)") == ["a", "x", "z", "log(x)"]
    assert terms_of(". * x", ["a", "b", "x"]) == ["a", "b", "x", "a:x", "b:x"]
    assert terms_of(".^2", "abx") == terms_of("(.)^2", "abx") == ["a", "b", "x", "a:b", "a:x", "b:x"]
    assert parse_formula(".").resolved(["p", "q", "r"], "q").columns == ("p", "r")
    assert terms_of("`.` + x", [*NAMES, "."]) == [".", "x"]


def test_names_in_backticks_and_of_many_languages():
    columns = ["area, m2", "a`b", "Größe", "面积", "Sepal.Length", "~", "(", "log", "I", "2"]
    formula = parse_formula(
        "`~` ~ `area, m2`*`a``b` + log(`Größe`) + 面积^2 + Sepal.Length + `(` + log + I + `2`"
    ).resolved(columns)
    assert formula.target == "~"
    assert set(formula.columns) == set(columns) - {"~"}
    assert formula.terms[-1] == Term((Factor("a`b"), Factor("area, m2")))
    assert terms_of("`log` + log(x)", [*NAMES, "log"]) == ["log", "log(x)"]


def test_the_target_is_named_by_the_formula_or_beside_it():
    assert parse_formula("y ~ x").target == "y"
    assert parse_formula("x + a").target is parse_formula("~ x + a").target is None
    assert parse_formula("~ x").resolved(["x", "y"], "y") == Formula(
        "y", (Term((Factor("x"),)),), True, "~ x"
    )
    assert parse_formula("y ~ x - 1").resolved(["x", "y"], "y").intercept is False


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("y ~ x + )", "formula, character 9: expected a column or a function, found ')'"),
        ("y ~ (x", "formula, character 7: expected ')', found the end"),
        ("y ~ x a", "formula, character 7: expected +, -, *, : or the end, found 'a'"),
        ("y ~ x ~ a", "formula, character 7: expected +, -, *, : or the end, found '~'"),
        ("", "formula, character 1: expected a column or a function, found the end"),
        ("y ~", "formula, character 4: expected a column or a function, found the end"),
        ("y + z ~ x", "formula, character 3: expected '~', found '+'"),
        ("log(y) ~ x", "formula, character 1: expected the target, a column as it stands and not a function"),
        ("y ~ lg(x)", "formula, character 5: expected one of the functions exp, log, log10"),
        ("y ~ log(x + z)", "formula, character 11: expected ')', found '+'; a function takes one column"),
        ("y ~ I(x*z)", "formula, character 8: expected ')', found '*'; I() takes one column"),
        ("y ~ x^0.5", "formula, character 7: expected an integer from 1 to 10, found '0.5'"),
        ("y ~ x^-1", "formula, character 7: expected an integer from 1 to 10, found '-'"),
        ("y ~ x^99", "formula, character 7: expected an integer from 1 to 10, found '99'"),
        ("y ~ x^2^2", "formula, character 8: expected +, -, *, : or the end, found '^'"),
        ("y ~ x:1", "formula, character 7: expected a column or a function, found '1'; 0 and 1 stand for"),
        ("y ~ 2nd", "formula, character 5: expected a column or a function, found '2nd'; a name that is not"),
        ("y ~ x$z", "formula, character 6: found '$'; a name that is not of letters"),
        ("y ~ `x", "formula, character 5: found a backtick without a second one"),
        ("y ~ q", "formula, character 5: the table has no column 'q'; it has 'a', 'b', 'c', 'x', 'z', 'y'"),
        ("q ~ x", "formula: the table has no column 'q'; it has"),
        ("y ~ x + y", "formula, character 9: 'y' is the target, and cannot be a feature"),
        ("y ~ x - z", "formula, character 9: z is taken out, but is not there"),
        (
            "y ~ x*x",
            "formula, character 6: x is multiplied by itself; the square of a column of numbers is x^2",
        ),
        ("y ~ a + x:x", "formula, character 10: x is multiplied by itself"),
        ("y ~ (x)^2", "formula, character 8: there is one term to cross; the square"),
        ("y ~ 1", "formula: has no feature"),
        ("x + z", "formula: lacks the column to predict"),
    ],
)
def test_an_error_says_where_and_what_to_do(text, error):
    with pytest.raises(OneLayerError) as caught:
        parse_formula(text).resolved([*NAMES, "y"])
    assert str(caught.value).startswith(error)
    assert "\n" not in str(caught.value)


def test_the_grammar_is_checked_before_the_columns_are_known():
    with pytest.raises(OneLayerError, match="character 9"):
        parse_formula("y ~ x + )")
    assert parse_formula("y ~ . - id + (.)^2 + .:.") == FormulaText("y ~ . - id + (.)^2 + .:.", "y")


def test_an_unknown_column_is_answered_with_the_nearest_names_and_never_with_all():
    columns = ["y", "Area", *(f"column {i}" for i in range(4000))]
    with pytest.raises(OneLayerError, match=r"no column 'aera'; did you mean 'Area'\?"):
        parse_formula("y ~ aera").resolved(columns)
    with pytest.raises(OneLayerError) as caught:
        parse_formula("y ~ zzzzzz").resolved(columns)
    assert len(str(caught.value)) < 200


def test_two_targets_are_an_error():
    with pytest.raises(OneLayerError, match="predicts 'y', but the target is to be 'x'"):
        parse_formula("y ~ z").resolved(["x", "y", "z"], "x")


MANY = [f"v{i}" for i in range(60)]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 60 + "v1" + ")" * 60,
        "log(" * 60 + "v1" + ")" * 60,
        "*".join(MANY),
        ":".join(MANY),
        f"({'+'.join(MANY)})^30",
        f"({'+'.join(MANY)})^6",
        "(" + "*".join(f"({a} + {b})" for a, b in itertools.pairwise(MANY[:20])) + ")^6",
        "+".join(["(.)^2"] * 100),
        "+".join(["."] * 40_000),
        "v1 + " * 100_000,
        "v1^" + "9" * 5000,
    ],
)
def test_a_hostile_formula_is_refused_at_once(text):
    with pytest.raises(OneLayerError, match=r"^formula"):
        parse_formula(text).resolved([*MANY, "y"], "y")


def test_a_long_sum_is_no_deep_one():
    assert len(terms_of("+".join(MANY * 100), MANY)) == 60
    wide = [f"v{i}" for i in range(MAX_TERMS)]
    assert terms_of(".", wide) == wide


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "log(__class__)",
        "x.__class__",
        "`x`.y",
        "{x}",
        "lambda: x",
        "x[0]",
        "x if y",
    ],
)
def test_python_is_not_evaluated(text):
    with pytest.raises(OneLayerError, match=r"^formula, character"):
        parse_formula(text).resolved([*NAMES, "y"], "y")


@given(st.text("abxy01.~+-*:^() `logI", max_size=30) | st.text(max_size=30))
@settings(max_examples=500)
def test_any_string_is_a_formula_or_an_error_in_one_line(text):
    try:
        formula = parse_formula(text).resolved([*NAMES, "y"], "y")
    except OneLayerError as error:
        assert str(error).startswith("formula") and len(str(error).splitlines()) == 1
    else:
        assert formula.terms and set(formula.columns) <= set(NAMES)


@pytest.mark.parametrize(
    "text", ["y ~ x", "y ~ . - 1", "y ~ (a + b + x)^3 - a:b", "y ~ log(x)^2*a:z + I(z^3)"]
)
def test_a_formula_comes_back_from_json(text):
    formula = parse_formula(text).resolved([*NAMES, "y"])
    assert Formula.from_json(json.loads(json.dumps(formula.to_json()))) == formula


X = {"column": "x", "function": None, "power": 1}
Z = X | {"column": "z"}
GOOD = {"text": "y ~ x", "target": "y", "intercept": True, "terms": [[X]]}


@pytest.mark.parametrize(
    "change",
    [
        {"terms": []},
        {"terms": [[]]},
        {"terms": [[X | {"function": "system"}]]},
        {"terms": [[X | {"power": 0}]]},
        {"terms": [[X | {"power": 2.0}]]},
        {"terms": [[X | {"power": 10**9}]]},
        {"terms": [[X | {"column": 3}]]},
        {"terms": [[X | {"more": 3}]]},
        {"terms": [[X, X]]},
        {"terms": [[X], [X]]},
        {"terms": [[X, Z], [Z, X]]},
        {"terms": [[X, Z], [X]]},
        {"terms": [[X | {"column": "y"}]]},
        {"terms": [[X | {"column": str(i)}] for i in range(MAX_TERMS + 1)]},
        {"terms": [[X | {"column": str(i)} for i in range(7)]]},
        {"target": None},
        {"intercept": 1},
        {"text": "\ud800"},
        {"text": "x" * 200_000},
        {"other": 1},
    ],
)
def test_json_that_is_not_a_formula_is_refused(change):
    Formula.from_json(GOOD)
    with pytest.raises(OneLayerError):
        Formula.from_json(GOOD | change)


@pytest.mark.parametrize(
    ("factor", "x", "error"),
    [
        (
            Factor("x", "log"),
            [1, 2, 0],
            "t.csv: column 'x', row 3: the value is 0; log takes positive numbers",
        ),
        (
            Factor("x", "log"),
            [1, -2, 3],
            "t.csv: column 'x', row 2: the value is -2; log takes positive numbers",
        ),
        (Factor("x", "log", 2), [0.0], "row 1: the value is 0; log takes positive numbers"),
        (Factor("x", "log1p"), [-1.0], "row 1: the value is -1; log1p takes numbers above −1"),
        (Factor("x", "sqrt", 2), [4, -4.0], "row 2: the value is -4; sqrt takes numbers of at least 0"),
        (Factor("x", "exp"), [1, 1000.0], "row 2: the value is 1000; exp(x) is too large to compute with"),
        (Factor("x", None, 2), [1e60], "row 1: the value is 1e+60; x^2 is too large to compute with"),
    ],
)
def test_a_number_that_a_function_does_not_take_is_named(factor, x, error):
    with pytest.raises(OneLayerError, match=re.escape(error)):
        factor.values(np.array(x, float), "t.csv")
