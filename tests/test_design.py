"""The features of a formula are those of formulaic and R, dense and sparse, whole and in blocks."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from statsmodels.formula.api import ols

from onelayer.data.design import MAX_FEATURES, Design, Levels
from onelayer.data.formula_text import parse_formula
from onelayer.errors import OneLayerError

NAMES = ("a", "b", "c", "x", "z")


def crossed_table():
    """All combinations of three categories, several times, and two columns of positive numbers."""
    table = pd.DataFrame(list(itertools.product("uvw", "pq", "klm")) * 4, columns=["a", "b", "c"])
    generator = np.random.default_rng(0)
    for name in "xzy":
        table[name] = generator.uniform(0.5, 2, len(table))
    return table.astype(dict.fromkeys("abc", "category"))


TABLE = crossed_table()


def one_hot(values, levels):
    return (np.asarray(values, object)[:, None] == np.array(levels, object)).astype(float)


def design_of(text, table=TABLE, references=None):
    """Return a design and its columns, which are categories where the table's are."""
    formula = parse_formula(text).resolved(list(table), "y")
    levels, columns = {}, {}
    for name in formula.columns:
        if table[name].dtype == "category":
            levels[name] = Levels(tuple(table[name].cat.categories), (references or {}).get(name, 0))
            columns[name] = one_hot(table[name], levels[name].names)
        else:
            columns[name] = table[name].to_numpy(float)
    return Design(formula, levels), columns


def matrix_of(text):
    """Return the features and, if the formula has one, the intercept, in the first column."""
    design, columns = design_of(text)
    X = design.matrix(columns, "table")
    assert X.shape == (len(TABLE), len(design.features))
    return np.c_[np.ones(len(X)), X] if design.formula.intercept else X


def formulaics(text):
    """Return formulaic's design matrix, after a check that its terms are ours, in our order."""
    reference = model_matrix(text, TABLE, context={"sqrt": np.sqrt})
    names = [str(part.term) for part in reference.model_spec.structure]
    ours = [term.name for term in design_of(f"~ {text}")[0].formula.terms]
    assert ours == [name for name in names if name != "1"]
    return reference


SAME_AS_FORMULAIC = [
    "a", "x", "a + x", "x + a", "a - 1", "0 + x", "-1 + x + a", "a + 0", "a + b - 1", "x + a - 1 + 1", "0 + a + b + c",
    "a*b", "a:b - 1", "b + a:b", "a + a:b", "b:a + a*b", "x:a", "x + x:a", "x*a", "a*x - 1", "x:z", "x*z*a", "a*b*c",
    "(a + b + x)^2", "(a + b + c)^3", "(a + b + x)**2 - a:b", "a*(b + x)", "(a + x):(b + z) + a + b", "a*b*c - a:b:c",
    "0 + x:a + a:b", "0 + x + x:a", "0 + x:a", "0 + a:b + a:c", "0 + a:b:c", "x:a + x:b", "z*a*x - z:a", "log(x) + a",
    "log(x)*a + sqrt(z)", "exp(x):a", "log10(x) + log(z):b", "a + (b + (c + x))", "((x))", "(a*b):x", "x + (a + b - a)",
]  # fmt: skip


@pytest.mark.parametrize("text", SAME_AS_FORMULAIC)
def test_the_columns_are_formulaics_in_its_order(text):
    np.testing.assert_allclose(matrix_of(f"y ~ {text}"), formulaics(text).to_numpy(float), rtol=1e-14)


def texts(columns=NAMES):
    """Formulas whose meaning formulaic shares: not x * x, and nothing is taken out."""

    def joined(parts):
        return st.builds(
            lambda left, operator, right: f"{left} {operator} {right}", parts, st.sampled_from("+:*"), parts
        )

    def extended(parts):
        in_parentheses = joined(parts).map(lambda text: f"({text})")
        return joined(parts) | in_parentheses | in_parentheses.map(lambda text: f"{text}^2")

    def is_meant(text):
        try:
            return bool(design_of(f"~ {text}"))
        except OneLayerError as error:
            assert re.search("multiplied by itself|one term to cross|more than 6", str(error))
            return False

    sums = st.recursive(st.sampled_from(columns), extended, max_leaves=6).filter(is_meant)
    return st.builds(lambda text, ending: text + ending, sums, st.sampled_from(["", "", " - 1", " + 0"]))


@given(texts())
@settings(max_examples=300)
def test_any_formula_has_formulaics_terms_and_column_space(text):
    expected = formulaics(text)
    X, mine = expected.to_numpy(float), matrix_of(f"~ {text}")
    rank = np.linalg.matrix_rank(X)
    assert np.linalg.matrix_rank(mine) == np.linalg.matrix_rank(np.c_[mine, X]) == rank
    # Formulaic splits a term in parts where R has dependent columns.
    if all(len(part.scoped_terms) <= 1 for part in expected.model_spec.structure):
        np.testing.assert_allclose(mine, X, rtol=1e-14)


@given(texts("abc"))
@settings(max_examples=100)
def test_categories_are_coded_by_the_rule_of_r(text):
    """R's TermCode: contrasts if the rest of the term is in a term before it, or is the intercept."""
    design, _ = design_of(f"~ {text}")
    assume(design.formula.intercept)
    before, names = [], []
    for term in design.formula.terms:
        columns = [factor.column for factor in term.factors]
        levels = []
        for column in columns:
            rest = set(columns) - {column}
            is_contrast = not rest or any(rest <= earlier for earlier in before)
            levels.append([f"{column}={level}" for level in TABLE[column].cat.categories][is_contrast:])
        names += [":".join(reversed(combination)) for combination in itertools.product(*reversed(levels))]
        before.append(set(columns))
    assert list(design.features) == names


def test_a_product_of_categories_alone_has_all_combinations_as_in_r():
    design, columns = design_of("y ~ b:c")
    assert design.features == ("b=p:c=k", "b=q:c=k", "b=p:c=l", "b=q:c=l", "b=p:c=m", "b=q:c=m")
    np.testing.assert_array_equal(design.matrix(columns, "").sum(axis=1), 1)


def test_names_say_columns_functions_powers_and_levels():
    assert design_of("y ~ x*a + log(z)^2")[0].features == (
        "x", "a=v", "a=w", "log(z)^2", "x:a=v", "x:a=w",
    )  # fmt: skip
    assert design_of("y ~ a - 1")[0].features == ("a=u", "a=v", "a=w")


def test_the_reference_level_is_the_one_that_is_left_out():
    design, columns = design_of("y ~ x*a", references={"a": 1})
    assert design.features == ("x", "a=u", "a=w", "x:a=u", "x:a=w")
    x, a = TABLE["x"], TABLE["a"]
    expected = np.c_[x, a == "u", a == "w", x * (a == "u"), x * (a == "w")]
    np.testing.assert_array_equal(design.matrix(columns, ""), expected)


def test_a_fit_is_that_of_statsmodels():
    X = matrix_of("y ~ x*a + log(z) + b:z")
    coefficients = np.linalg.lstsq(X, TABLE["y"].to_numpy(), rcond=None)[0]
    expected = ols("y ~ x*C(a) + np.log(z) + C(b):z", TABLE).fit()
    assert X.shape[1] == len(expected.params)
    np.testing.assert_allclose(X @ coefficients, expected.fittedvalues, rtol=1e-12)


@given(texts())
@settings(max_examples=100)
def test_a_feature_is_what_its_name_says(text):
    design, columns = design_of(f"~ {text}")
    by_name = {name: TABLE[name].to_numpy() for name in "xz"}
    by_name |= {
        f"{name}={level}": TABLE[name] == level for name in "abc" for level in TABLE[name].cat.categories
    }
    expected = [np.prod([by_name[part] for part in name.split(":")], axis=0) for name in design.features]
    np.testing.assert_allclose(design.matrix(columns, ""), np.stack(expected, axis=1), rtol=1e-14)


def test_a_power_is_of_the_column_or_of_its_function():
    x, z = TABLE["x"], TABLE["z"]
    np.testing.assert_allclose(
        matrix_of("y ~ x^3 + log(z)^2 + x:x^2 - 1"), np.c_[x**3, np.log(z) ** 2, x**3], rtol=1e-14
    )


def test_a_product_that_is_too_large_is_named():
    for kind in (np.array, sparse.csr_array):
        design = Design(
            parse_formula("~ b:x:z").resolved(["b", "x", "z", "y"], "y"), {"b": Levels(("p", "q"))}
        )
        columns = {"b": kind([[1.0, 0], [0, 1]]), "x": np.array([1, -1e90]), "z": np.array([1, 1e90])}
        with pytest.raises(OneLayerError, match=r"^t: row 2: b:x:z is too large"):
            design.matrix(columns, "t")


@given(texts(), st.integers(0, 72))
@settings(max_examples=100)
def test_csr_and_blocks_are_the_same_features(text, cut):
    design, columns = design_of(f"~ {text}")
    whole = design.matrix(columns, "")
    blocks = [
        design.matrix({k: v[rows] for k, v in columns.items()}, "") for rows in (slice(cut), slice(cut, None))
    ]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    if design.levels:
        kept_sparse = {k: sparse.csr_matrix(v) if k in design.levels else v for k, v in columns.items()}
        X = design.matrix(kept_sparse, "")
        assert X.format == "csr" and X.nnz == np.count_nonzero(whole)
        np.testing.assert_array_equal(X.toarray(), whole)


def test_products_of_sparse_categories_store_one_value_a_row():
    n, k = 1000, 200
    ones = sparse.csr_array((np.ones(n), np.arange(n) % k, np.arange(n + 1)), shape=(n, k))
    levels = {name: Levels(tuple(map(str, range(k)))) for name in "ab"}
    design = Design(parse_formula("~ a:b - 1").resolved(["a", "b", "y"], "y"), levels)
    X = design.matrix({"a": ones, "b": ones}, "")
    assert X.shape == (n, k * k) and X.nnz == n
    place = np.arange(n) % k
    np.testing.assert_array_equal(X.indices, place + k * place)


@pytest.mark.parametrize("text", ["x*a", "x:a", "log(x)", "a:b", "a*b", "x^2:a"])
@pytest.mark.parametrize("hidden", ["x", "a", "b"])
def test_a_missing_value_is_missing_in_a_feature_of_its_row(text, hidden):
    design, columns = design_of(f"~ {text}")
    if hidden not in columns:
        return
    columns[hidden] = columns[hidden].copy()
    columns[hidden][5] = np.nan
    X = design.matrix(columns, "")
    assert list(np.flatnonzero(np.isnan(X).any(axis=1))) == [5]
    categories = {k: sparse.csr_array(v) for k, v in columns.items() if k in design.levels}
    if categories:
        values = sparse.csr_array(design.matrix(columns | categories, ""))
        missing = np.flatnonzero(np.isnan(values.toarray()).any(axis=1))
        assert list(missing) == [5]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("y ~ a^2", "a^2 needs numbers, and 'a' is a category"),
        ("y ~ x:log(a)", "log(a) needs numbers, and 'a' is a category"),
    ],
)
def test_a_function_of_a_category_is_an_error(text, error):
    with pytest.raises(OneLayerError, match=re.escape(error)):
        design_of(text)


def test_names_that_two_features_would_have_are_refused():
    table = TABLE.assign(**{"log(x)": 1.0})
    with pytest.raises(OneLayerError, match=r"2 features have the name 'log\(x\)'"):
        design_of("y ~ log(x) + `log(x)`", table)


def test_too_many_features_are_counted_before_they_are_named():
    levels = Levels(tuple(map(str, range(1000))))
    formula = parse_formula("~ a*b*c").resolved(["a", "b", "c", "y"], "y")
    with pytest.raises(
        OneLayerError, match=f"makes 999,999,999 features, not between 1 and {MAX_FEATURES:,}"
    ):
        Design(formula, dict.fromkeys("abc", levels))
    with pytest.raises(OneLayerError, match="makes 0 features"):
        Design(parse_formula("~ a").resolved(["a", "y"], "y"), {"a": Levels(("only",))})
