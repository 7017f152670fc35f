"""Pictures hold what they say: the lines, cells and images are counted and compared, not just drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import get_data_path
from PIL import Image

from onelayer import LinearRegressionCV, SoftmaxRegressionCV, fashion_mnist, plot_text, plots
from onelayer.history import EpochRecord


@pytest.mark.parametrize(("d", "q", "lines"), [(4, 3, 12), (2, 1, 2), (784, 10, 11 * 10), (5, 20, 5 * 11)])
def test_network_draws_every_connection_of_the_units_it_shows(d, q, lines):
    figure = plots.network(d, q)
    axes = figure.axes[0]
    assert len(axes.lines) == lines
    assert f"{d * q + q:,} parameters" in figure.get_suptitle()
    texts = {text.get_text() for text in axes.texts}
    assert f"$x_{{{d}}}$" in texts and f"$o_{{{q}}}$" in texts
    assert ("···" in texts) == (max(d, q) > 12)


def test_strips_are_rows_of_images_below_their_names():
    rows = {name: np.full((3, 4, 5), value, np.uint8) for name, value in (("light", 10), ("dark", 200))}
    axes = plots.strips(rows).axes[0]
    drawn = axes.images[0].get_array()
    assert [text.get_text() for text in axes.texts] == ["light", "dark"]
    assert drawn.shape[1] == 3 * 5 and drawn[0].max() == 0
    assert (drawn == 10).sum() == (drawn == 200).sum() == 3 * 4 * 5


def test_curve_draws_the_history():
    history = [EpochRecord(1, 0.8, 0.7, 0.6, 0.75, 0.1), EpochRecord(2, 0.5, 0.8, 0.55, 0.79, 0.1)]
    loss, accuracy = plots.curve(history, "test").axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[0.8, 0.5], [0.6, 0.55]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.7, 0.8], [0.75, 0.79]]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == [
        "train, while learning",
        "test",
    ]
    alone = [EpochRecord(1, 0.8, None, None, None, 0.1)]
    assert len(plots.curve(alone, "test").axes) == 1


def test_templates_show_each_classs_weights_in_place():
    weight = np.arange(3 * 6, dtype=float).reshape(3, 6) - 9
    axes, _colours = plots.templates(weight, (3, 2), ["a", "b", "c"]).axes
    canvas = np.ma.filled(axes.images[0].get_array(), np.nan)
    values, counts = np.unique(canvas[~np.isnan(canvas)], return_counts=True)
    assert values.tolist() == weight.flatten().tolist() and set(counts) == {14 * 14}  # enlarged from 3×2
    assert [text.get_text() for text in axes.texts] == ["a", "b", "c"]
    assert axes.images[0].get_clim() == (-9, 9)


def test_confusion_writes_counts_and_colours_row_shares():
    axes = plots.confusion(np.array([[8, 2], [0, 5]]), ["cat", "dog"], "test rows").axes[0]
    assert [text.get_text() for text in axes.texts] == ["8", "2", "5"]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0, 1]]
    assert axes.get_title() == "15 test rows"


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")  # where no Chinese font is installed
def test_long_and_strange_names_stay_on_the_page():
    names = ["很长的类别名称" * 5, "$cost_{x}^2$", "c" * 60]
    figure = plots.confusion(np.eye(3, dtype=int), names, "test rows")
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    axes = figure.axes[0]
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label):
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, label.get_text()
    assert axes.get_yticklabels()[1].get_text() == r"\$cost_{x}^2\$"


def chosen_from(model, n_classes=0):
    """Return the model, fitted to three named features of which the first counts most."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(60, 3)), columns=["area", "age", "noise"])
    y = 3 * X["area"] - X["age"] + generator.normal(size=60)
    return model.fit(X, np.digitize(y, np.quantile(y, [0.3, 0.7])) if n_classes else y)


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


@pytest.mark.parametrize("alphas", [10, 60])
def test_selection_draws_errors_choice_and_coefficients(alphas):
    model = chosen_from(LinearRegressionCV(alphas=alphas, l1_ratio=1.0, cv=4, rule="1se"))
    errors, paths = plots.selection(model).axes
    results, drawn = model.cv_results_, lines_of(errors)
    assert drawn["mean"].get_xydata().tolist() == np.c_[results["alpha"], results["mean_error"]].tolist()
    ends = results["mean_error"] + np.outer([-1, 1], results["standard_error"])
    spread = errors.collections[0].get_paths()
    heights = np.concatenate([path.vertices[:, 1] for path in spread])
    assert np.allclose([heights.min(), heights.max()], [ends.min(), ends.max()])
    assert drawn[f"chosen: alpha = {model.alpha_:.3g}"].get_xdata()[0] == model.alpha_
    best = results["alpha"][results["mean_error"].argmin()]
    assert drawn[f"least error: alpha = {best:.3g}"].get_xdata()[0] == best
    for j, name in enumerate(("area", "age", "noise")):
        assert lines_of(paths)[name].get_ydata().tolist() == model.path_["coef"][:, j].tolist()
    assert [text.get_text() for text in paths.get_legend().get_texts()][:2] == ["area", "age"]
    assert paths.texts[0].get_text() == "0" and paths.texts[-1].get_text() == "features in"
    assert errors.get_xscale() == "log" and not errors.xaxis_inverted()


def test_selection_of_classes_draws_all_ratios_and_lengths_of_coefficients():
    model = chosen_from(SoftmaxRegressionCV(Cs=4, l1_ratio=[0.0, 1.0], cv=3), n_classes=3)
    deviation = np.array([1.0, 10.0, 1.0])
    errors, paths = plots.selection(model, deviation).axes
    assert {"l1_ratio 0", "l1_ratio 1"} < set(lines_of(errors)) and errors.xaxis_inverted()
    expected = 10 * np.linalg.norm(model.path_["coef"][:, :, 1], axis=1)
    np.testing.assert_allclose(lines_of(paths)["age"].get_ydata(), expected)
    assert "× deviation" in paths.get_ylabel()
    two = SoftmaxRegressionCV(Cs=4, cv=3).fit(np.array([[0.0], [1], [2], [3], [4], [5]]), [0, 0, 1, 0, 1, 1])
    [line] = [line for name, line in lines_of(plots.selection(two).axes[1]).items() if name == "x1"]
    assert line.get_ydata().tolist() == two.path_["coef"][:, 0, 0].tolist()


def test_residuals_are_true_minus_predicted():
    cloud, histogram = plots.residuals(np.array([1.0, 2.0]), np.array([1.5, 1.0]), "y", "rows").axes
    assert cloud.collections[0].get_offsets().tolist() == [[1.0, 0.5], [2.0, -1.0]]
    assert "0.75" in histogram.get_title()


def test_chinese_names_have_their_glyphs_or_a_line_that_says_so():
    titles = ["T恤", "裤子"]
    figure = plots.images(fashion_mnist().train.X[:2], (28, 28), titles)
    if plot_text.installed_cjk_fonts():
        assert plots.png(figure).startswith(
            b"\x89PNG"
        )  # a missing glyph is a warning, and warnings are errors here
        return
    with pytest.warns(UserWarning, match="drawn as boxes; for Chinese, install one of Noto Sans CJK SC"):
        plots.png(figure)


def test_fonts_that_matplotlib_has_not_listed_yet_are_found(monkeypatch):
    """A font that was installed after matplotlib has cached its list."""
    from matplotlib import font_manager

    listed = [entry for entry in font_manager.fontManager.ttflist if entry.name != "DejaVu Serif"]
    path = str(Path(get_data_path()) / "fonts/ttf/DejaVuSerif.ttf")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [path])
    monkeypatch.setattr(plot_text, "CJK_FONTS", ("DejaVu Serif",))
    assert plot_text.installed_cjk_fonts.__wrapped__() == ["DejaVu Serif"]


def test_png_is_not_blank(tmp_path):
    path = tmp_path / "network.png"
    path.write_bytes(plots.png(plots.network(4, 3)))
    pixels = np.asarray(Image.open(path).convert("L"))
    assert pixels.min() < 50 and pixels.max() == 255
