"""The examples in docstrings: every public name has one, and what it shows is what comes."""

import doctest
import importlib
import inspect

import matplotlib
import pytest
from matplotlib import pyplot as plt

import onelayer

MODULES = (
    "onelayer",
    "onelayer.d2l",
    "onelayer.data",
    "onelayer.estimators",
    "onelayer.estimators.softmax_summary",
    "onelayer.exercises",
    "onelayer.functional",
    "onelayer.inference",
    "onelayer.models",
    "onelayer.plots",
    "onelayer.training",
)


def public(module_name):
    """Yield the public functions and classes of a module of ours that are defined in the package."""
    module = importlib.import_module(module_name)
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module_name
    ]
    for name in names:
        value = getattr(module, name)
        is_ours = getattr(value, "__module__", "").startswith("onelayer")
        if is_ours and (inspect.isclass(value) or inspect.isfunction(value)):
            yield f"{value.__module__}.{value.__qualname__}", value


PUBLIC = {name: value for module_name in MODULES for name, value in public(module_name)}


def test_all_modules_that_the_package_offers_are_tested():
    assert {f"onelayer.{name}" for name in onelayer._MODULES} <= set(MODULES)
    assert len(PUBLIC) > 100


@pytest.fixture
def figures():
    """Figures without a window, and pyplot as it was."""
    matplotlib.use("Agg")
    yield
    plt.close("all")
    matplotlib.rcdefaults()


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize("name", PUBLIC)
def test_example(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(PUBLIC[name], name, module=False, globs={})
    assert example.examples, f"{name} has no example"
    said = []
    failed = doctest.DocTestRunner().run(example, out=said.append).failed
    assert not failed, "".join(said)
