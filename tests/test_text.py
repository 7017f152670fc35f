"""Sparse text features: both estimators reach the minimum without making them dense."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from onelayer.estimators import LinearRegression, SoftmaxRegression

LICENCES = Path("/usr/share/common-licenses")  # on every Debian machine
FAMILIES = ("Apache-2.0", "Artistic", "GFDL-1.3", "GPL-2", "GPL-3", "LGPL-2.1", "MPL-2.0")


@pytest.fixture(scope="module")
def corpus() -> tuple[list[str], np.ndarray]:
    """Paragraphs of licences, and the family that each is of."""
    files = [LICENCES / family for family in FAMILIES]
    if not all(file.is_file() for file in files):
        pytest.skip(f"the licences of Debian are not in {LICENCES}")
    texts, labels = [], []
    for file in files:
        paragraphs = [p for p in file.read_text(encoding="utf-8").split("\n\n") if len(p.split()) >= 8]
        texts += paragraphs
        labels += [file.name.partition("-")[0]] * len(paragraphs)
    return texts, np.array(labels)


@pytest.fixture
def never_dense(monkeypatch):
    """Fail if a sparse matrix is made dense."""
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix):
        original = kind.toarray

        def guarded(self, *args, original=original, **kwargs):
            assert 1 in self.shape, f"{self.shape} was made dense"
            return original(self, *args, **kwargs)

        monkeypatch.setattr(kind, "toarray", guarded)


def objective(model, X, y, C):
    log_p = model.predict_log_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return (model.coef_**2).sum() / 2 - C * log_p.sum()


@pytest.mark.parametrize("C", [0.1, 10.0])
@pytest.mark.parametrize("binary", [False, True])
def test_softmax_regression_of_text_is_at_the_minimum(corpus, never_dense, C, binary):
    texts, y = corpus
    y = y == "GPL" if binary else y
    X = TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)
    assert X.shape[0] > 300 and X.shape[1] > 5_000
    ours = SoftmaxRegression(C=C, tol=1e-7).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)
    least = objective(theirs, X, y, C)
    found = objective(ours, X, y, C)
    assert found == pytest.approx(ours.objective_, rel=1e-9) and ours.converged_
    assert found <= least * (1 + 1e-6)
    assert found - ours.gap_ <= least
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)


def test_linear_regression_of_text_is_at_the_minimum(corpus, never_dense):
    texts, _ = corpus
    X = TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)
    lengths = np.log([len(text) for text in texts])
    ours = LinearRegression(alpha=0.5).fit(X, lengths)
    theirs = Ridge(alpha=0.5, solver="sparse_cg", tol=1e-12).fit(X, lengths)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


def test_a_pipeline_learns_from_text(corpus):
    texts, y = corpus
    half = np.random.default_rng(0).permutation(len(texts)) % 2 == 0
    model = make_pipeline(TfidfVectorizer(), SoftmaxRegression(C=10))
    model.fit([text for text, is_in in zip(texts, half, strict=True) if is_in], y[half])
    chance = max(np.bincount(np.unique(y, return_inverse=True)[1])) / len(y)
    held_out = [text for text, is_in in zip(texts, half, strict=True) if not is_in]
    assert model.score(held_out, y[~half]) > chance + 0.15
