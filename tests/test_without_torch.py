"""Exact solvers and SGD of one layer never import PyTorch or what takes as long, and work where it is missing."""

import subprocess
import sys

import pytest

SLOW = ("torch", "sklearn", "scipy.stats", "pandas", "matplotlib")
COMMAND = """
import sys
from onelayer.cli import main
sys.argv = ["onelayer", *{arguments!r}]
try:
    main()
except SystemExit as exit:
    assert not exit.code, exit.code
print(*sys.modules, file=open("modules", "w"))
"""
NO_TORCH = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


def run(code, folder):
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of the houses and one of flowers, trained without PyTorch."""
    path = tmp_path_factory.mktemp("run")
    rows = [f"{x},{'blue' if x > 4 else 'red'},{'rose' if x % 3 else 'lily'}" for x in range(9)]
    (path / "t.csv").write_text("x,colour,flower\n" + "\n".join(rows) + "\n")
    for arguments in (
        ["train", "houses", "--solver", "exact", "--out", "houses"],
        ["train", "t.csv", "--target", "flower", "--solver", "newton", "--out", "flowers"],
    ):
        run(NO_TORCH + COMMAND.format(arguments=arguments), path)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "houses", "--solver", "exact", "--out", "again"],
        ["train", "t.csv", "--target", "flower", "--solver", "auto", "--out", "again"],
        ["train", "houses", "--solver", "sgd", "--epochs", "2", "--out", "again"],
        ["train", "fashion-mnist", "--epochs", "1", "--out", "images"],
        ["tune", "houses", "--epochs", "1", "--lr", "0.1,9"],
        ["evaluate", "houses", "houses"],
        ["evaluate", "flowers", "t.csv", "--json"],
        ["predict", "houses", "houses"],
        ["predict", "flowers", "t.csv", "--proba", "-o", "predicted.csv"],
        ["predict", "flowers", "t.csv", "-o", "predicted.parquet"],
        ["data", "--verify"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_imports_nothing_slow(folder, arguments):
    run(COMMAND.format(arguments=arguments), folder)
    modules = (folder / "modules").read_text().split()
    assert [name for name in SLOW if name in modules] == []


def test_the_exact_half_works_without_torch(folder):
    code = """
import numpy as np, onelayer
from onelayer import plots
X = np.random.default_rng(0).normal(size=(50, 3))
labels = (X[:, 0] > 0).astype(int)
linear = onelayer.LinearRegression().fit(X, X @ [1.0, 2.0, 3.0] + 4)
np.testing.assert_allclose([*linear.coef_, linear.intercept_], [1, 2, 3, 4], rtol=1e-12)
softmax = onelayer.SoftmaxRegression().fit(X, labels)
softmax.save("softmax")
assert np.array_equal(onelayer.SoftmaxRegression.load("softmax").predict(X), softmax.predict(X))
data = onelayer.Dataset("mine", onelayer.Rows(X, labels), None, (), "y", ("no", "yes"))
run = onelayer.train(data, onelayer.Settings(solver="auto"))
assert run.scores["valid_accuracy"] > 0.8
onelayer.Model.load("houses").predict("houses")
plots.network(3, 2)
"""
    run(NO_TORCH + code, folder)


@pytest.mark.parametrize(
    "statement",
    [
        "onelayer.fit",
        "onelayer.mlp",
        "from onelayer import d2l",
        "onelayer.functional",
        "onelayer.exercises",
        "onelayer.train(onelayer.fashion_mnist(), onelayer.Settings(way='scratch'))",
        "onelayer.SoftmaxRegression(solver='sgd').fit([[0.0], [1.0]], [0, 1])",
    ],
)
def test_a_name_that_needs_torch_says_which_extra(folder, statement):
    code = f"""
import onelayer
try:
    {statement}
except onelayer.OneLayerError as error:
    print(error)
"""
    assert "needs PyTorch; install with: pip install 'onelayer[torch]'" in run(NO_TORCH + code, folder).stdout


@pytest.mark.parametrize(
    "command", [["train", "houses", "--model", "mlp"], ["compare", "houses"], ["vectorize"]]
)
def test_a_command_that_needs_torch_says_which_extra(folder, command):
    code = (
        NO_TORCH + f"import sys; sys.argv = ['onelayer', *{command!r}]\nfrom onelayer.cli import main\nmain()"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert "pip install 'onelayer[torch]'" in result.stderr
    assert not (folder / "runs").exists()
