"""The words that a lesson is declared in: scenes, their controls, experiments, pictures, questions and missions.

A name in a mark, a claim or a mission stands for a field of the scene's outcome, for one of its data, or for a control;
``name.2`` for an element of a field, and ``name.epoch`` for the one that the control ``epoch`` is at. ``score`` is how
the reader has answered the lesson's questions, each at the first try: ``score.right`` of ``score.asked``,
``score.answered`` so far, ``score.looked`` where the reader had the answer shown instead. What the reader sees is named
too: by a word of the lesson's prose, ``- name: text`` in its section ``labels``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

Color = Literal["blue", "orange", "green", "red", "purple", "grey", "ink"]
Field = str | float  # a field of the outcome, a control, or a number as it stands
Scale = Literal["ink", "signed", "inks"]  # how an image's numbers are shown


def word(default: Any = "") -> Any:
    """Declare a field that names a word of the prose, or several."""
    return field(default=default, metadata={"word": True})


# Controls


@dataclass(frozen=True)
class Number:
    """A number that a slider or a handle sets.

    Attributes:
        name: of the control, of the experiment's argument, and of its word.
        low, high, step: what it may be, where ``values`` does not say.
        value: at first.
        values: what it may be, if not evenly spaced.
        slider: whether it has one; a handle in a picture may do.
        format: how it is shown.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    value: float = 0.0
    values: tuple[float, ...] = ()
    slider: bool = True
    format: str = ".4g"


@dataclass(frozen=True)
class Choice:
    """One of some options; a string names its word, a number is shown as it is."""

    name: str
    options: tuple[str | int, ...]
    value: str | int


@dataclass(frozen=True)
class Clock:
    """The step that a picture shows: Play, Step and Reset.

    Attributes:
        last: the last step, or the control or the field of the outcome that says so.
        phases: the parts of a step, each with a line of the scene's code, that Step shows one after the other: the
            last one moves the clock, and pictures with it. With a single phase the first step has the first line,
            the second one the second, and so on.
        rate: steps a second while it plays.
        value: at first.
    """

    name: str
    last: Field
    phases: int = 1
    rate: float = 12
    value: int = 0


@dataclass(frozen=True)
class Pad:
    """A pad of 28 × 28 pixels, 0 (paper) to 255 (ink), to draw on; at first it shows an image of the data.

    Attributes:
        first: the lesson's data that has the first image, (784,).
    """

    name: str
    first: str


Control = Number | Choice | Clock | Pad


# Experiments: each is a function of the lesson's experiment.py, from controls to an outcome, a dict of fields


@dataclass(frozen=True)
class Kernel:
    """What the page computes as the finger moves, by the function of this name in kernels.js.

    The function of the same name in experiment.py computes the same.

    Attributes:
        run: the function's name.
        reads: the controls that it reads.
        data: functions of experiment.py whose fields the page has and both read; they come once for a lesson.
    """

    run: str
    reads: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    kind: Literal["kernel"] = "kernel"


@dataclass(frozen=True)
class Recorded:
    """What the library computes for every state of the controls when the site is built.

    The function may yield one outcome after another while it works; the last is what counts.
    """

    run: str
    reads: tuple[str, ...] = ()
    kind: Literal["recorded"] = "recorded"


@dataclass(frozen=True)
class Live:
    """What needs the library at work, such as a time, and can be run again; a site has it recorded as others are."""

    run: str
    reads: tuple[str, ...] = ()
    kind: Literal["live"] = "live"


Experiment = Kernel | Recorded | Live


# Pictures


@dataclass(frozen=True)
class Axis:
    """An axis of a plot: its word, its range, whether it is logarithmic, and its ticks where the range does not say.

    With ``categories``, words, it has the places 0, 1, 2 and so on. With ``low`` above ``high`` it runs backwards, as
    the rows of an image do.
    """

    label: str = word()
    low: Field = 0.0
    high: Field = 1.0
    log: bool = False
    ticks: tuple[float, ...] = ()
    format: str = ""
    categories: tuple[str, ...] = word(())


@dataclass(frozen=True)
class Line:
    """A line through points; with a list of lists in ``y`` a line for each.

    Attributes:
        x: "" for 0, 1, 2 and so on.
        dots: whether its points are dots.
        upto: the clock up to whose step it is drawn.
        label: its word in the legend.
    """

    x: Field
    y: Field
    color: Color = "blue"
    label: str = word()
    upto: str = ""
    dash: bool = False
    width: float = 2.0
    opacity: float = 1.0
    dots: bool = False
    mark: Literal["line"] = "line"


@dataclass(frozen=True)
class Points:
    """Points, of which those whose numbers are in the field ``lit`` stand out."""

    x: Field
    y: Field
    color: Color = "blue"
    label: str = word()
    upto: str = ""
    size: float = 3.0
    opacity: float = 1.0
    shape: Literal["dot", "cross", "diamond"] = "dot"
    lit: str = ""
    mark: Literal["points"] = "points"


@dataclass(frozen=True)
class Segments:
    """A straight piece from (x0, y0) to (x1, y1) for each element; a weight gives it width, and colour by its sign."""

    x0: Field
    y0: Field
    x1: Field
    y1: Field
    color: Color = "grey"
    label: str = word()
    width: float = 1.5
    opacity: float = 1.0
    arrow: bool = False
    weight: str = ""
    mark: Literal["segments"] = "segments"


@dataclass(frozen=True)
class Bars:
    """Upright bars from ``base`` to ``y`` around ``x``, each of a width in the axis' unit."""

    x: Field
    y: Field
    base: Field = 0.0
    color: Color = "blue"
    label: str = word()
    width: Field = 0.7
    opacity: float = 1.0
    lit: str = ""
    mark: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Area:
    """The area between two curves."""

    x: Field
    low: Field
    high: Field
    color: Color = "blue"
    label: str = word()
    opacity: float = 0.2
    mark: Literal["area"] = "area"


@dataclass(frozen=True)
class Rule:
    """A dashed line across the plot at ``x`` or at ``y``, with its word beside it."""

    x: Field | None = None
    y: Field | None = None
    color: Color = "grey"
    label: str = word()
    mark: Literal["rule"] = "rule"


@dataclass(frozen=True)
class Band:
    """A shaded range of x."""

    low: Field
    high: Field
    color: Color = "grey"
    label: str = word()
    mark: Literal["band"] = "band"


@dataclass(frozen=True)
class Text:
    """Texts at points: a field of strings, a word, or numbers in ``format``."""

    x: Field
    y: Field
    text: str
    color: Color = "ink"
    format: str = ""
    anchor: Literal["start", "middle", "end"] = "middle"
    mark: Literal["text"] = "text"


@dataclass(frozen=True)
class Raster:
    """A square image that fills the plot: a field of its numbers, row by row from the top, in a scale of ``Images``."""

    pixels: str
    scale: Scale = "ink"
    mark: Literal["raster"] = "raster"


@dataclass(frozen=True)
class Handle:
    """What a hand drags: it sets the controls ``x`` and ``y``; where one is a number or a field, it stays there.

    Attributes:
        anywhere: whether it comes to wherever the plot is pressed.
        origin: the place on the axes that x and y are counted from, such as a point that another handle moves.
        unit: how long 1 of x and of y is on the axes.
    """

    x: Field
    y: Field
    label: str = word()
    color: Color = "orange"
    anywhere: bool = False
    origin: tuple[Field, Field] = (0, 0)
    unit: tuple[float, float] = (1, 1)
    mark: Literal["handle"] = "handle"


Mark = Line | Points | Segments | Bars | Area | Rule | Band | Text | Raster | Handle


@dataclass(frozen=True)
class Plot:
    """Marks over two axes.

    Attributes:
        name: its word, read aloud in its place.
        x, y: the axes; None for none, then both go from 0 to 1.
        marks: from the lowest layer to the highest.
        square: whether a unit of x and of y is as long.
        turn: the control that dragging the plot to the side changes.
    """

    name: str = word()
    x: Axis | None = None
    y: Axis | None = None
    marks: tuple[Mark, ...] = ()
    square: bool = False
    turn: str = ""
    picture: Literal["plot"] = "plot"


def plot(
    name: str, x: Axis | None, y: Axis | None, *marks: Mark, square: bool = False, turn: str = ""
) -> Plot:
    """Return a plot of marks."""
    return Plot(name, x, y, marks, square, turn)


@dataclass(frozen=True)
class Matrix:
    """A table of numbers, shaded by their size; a press on one sets the controls ``pick``, its row and its column."""

    name: str = word()
    values: str = ""
    rows: tuple[str, ...] = word(())
    columns: tuple[str, ...] = word(())
    row_title: str = word()
    column_title: str = word()
    format: str = ",d"
    pick: tuple[str, ...] = ()
    picture: Literal["matrix"] = "matrix"


@dataclass(frozen=True)
class Images:
    """Small square images in a grid.

    Attributes:
        pixels: the field: a list of images, each a list of its numbers.
        scale: "ink", 0 to 255, dark on light; "signed", blue above 0 and orange below; "inks", 0 to 255 of cyan for all
            pixels, then of magenta, then of yellow.
        captions: the field of their captions: words, or strings as they stand.
        columns: how many side by side; 0 for as many as make them largest.
        pick: the control that a press on an image sets to its number.
    """

    name: str = word()
    pixels: str = ""
    scale: Scale = "ink"
    captions: str = ""
    columns: int = 5
    pick: str = ""
    picture: Literal["images"] = "images"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: the words of their heads.
        cells: the fields of the columns.
        formats: how numbers are shown, for each column.
        lit: the field with the number of the row that stands out.
    """

    name: str = word()
    columns: tuple[str, ...] = word(())
    cells: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    lit: str = ""
    picture: Literal["table"] = "table"


def table(name: str, *columns: tuple[str, str, str], lit: str = "") -> Table:
    """Return a table of columns: the word of its head, its field and its format."""
    heads, cells, formats = zip(*columns, strict=True)
    return Table(name, heads, cells, formats, lit)


@dataclass(frozen=True)
class Drawing:
    """The pad that the control ``pad`` is drawn on; ``over`` is a field of "inks" that covers what is drawn."""

    name: str = word()
    pad: str = ""
    over: str = ""
    picture: Literal["drawing"] = "drawing"


Picture = Plot | Matrix | Images | Table | Drawing


# What is said, asked and wanted


@dataclass(frozen=True)
class Row:
    """Two fields that a claim says are equal, within a tolerance; or of which the left one is at least the right one.

    Fields that are lists are compared element by element.

    Attributes:
        label: its word.
        labels: the field with the words of a list's elements.
        relative: whether the tolerance is a share of the right one.
        format: how both are shown.
    """

    label: str = word()
    left: Field = 0.0
    right: Field = 0.0
    tolerance: Field = 0.0
    relative: bool = False
    at_least: bool = False
    format: str = ".6g"
    labels: str = ""


@dataclass(frozen=True)
class Claim:
    """What the scene shows to be true: the words of both sides, and the numbers."""

    left: str = word()
    right: str = word()
    rows: tuple[Row, ...] = ()


def claim(left: str, right: str, *rows: Row) -> Claim:
    """Return a claim that rows hold."""
    return Claim(left, right, rows)


@dataclass(frozen=True)
class Step:
    """A line of the code, by a part of it, and what it has made: a text with ``{field}`` or ``{field:.3f}``.

    The fields are those of the step that the line belongs to, before its last line has run, too.
    """

    line: str
    says: str = ""


@dataclass(frozen=True)
class Listing:
    """Source as it stands in the library.

    Attributes:
        of: functions and classes, ``module:name``.
        steps: the lines that a clock's phases light one after the other; without them the code is folded up.
    """

    of: tuple[str, ...]
    steps: tuple[Step, ...] = ()


def code(of: str | tuple[str, ...], *steps: Step) -> Listing:
    """Return a listing of one function or several; a clock's phases light its steps."""
    return Listing((of,) if isinstance(of, str) else of, steps)


@dataclass(frozen=True)
class Ask:
    """What the reader is to predict before the experiment runs.

    Attributes:
        kind: a number, one of ``options``, or a curve that is sketched into the first picture.
        truth: the field with the answer: a number, or the name of an option; with a sketch, none.
        options: words.
        format: how a number is shown.
        close: a number this near, relatively, is near enough.
        seen: the numbers of the pictures that are not covered, because the question is about them; without any the
            scene's controls are as at first until the answer, because the question is about those.
        own: whether it is about the controls as the reader has set them.
    """

    kind: Literal["number", "choice", "sketch"]
    truth: str = ""
    options: tuple[str, ...] = word(())
    format: str = ".3g"
    close: float = 0.2
    seen: tuple[int, ...] = ()
    own: bool = False


@dataclass(frozen=True)
class Mission:
    """What the reader is to bring about: its word, and comparisons ``(field, "<" or ">" or "=", value)``."""

    name: str = word()
    tests: tuple[tuple[str, str, Field], ...] = ()


def mission(name: str, *tests: tuple[str, str, Field]) -> Mission:
    """Return a mission with its tests."""
    return Mission(name, tests)


@dataclass(frozen=True)
class Scene:
    """A piece of prose and what stands beside it. One picture, claim or mission need not be in a tuple.

    Attributes:
        name: its section of the prose, and its place in the address.
        controls: at most four sliders, menus and clocks.
        run: the experiment.
        pictures: at most two.
        stacked: whether two pictures are one above the other, each as wide as the panel, not side by side.
        outcome: the word of the line below the pictures, with ``{field:format}``.
        claims, code, missions: as they say.
        ask: what is to be predicted: until then the pictures are covered.
        folded: whether the scene is closed at first: it goes beyond what the lesson needs.
    """

    name: str
    controls: tuple[Control, ...] = ()
    run: Experiment | None = None
    pictures: Picture | tuple[Picture, ...] = ()
    outcome: str = word()
    claims: Claim | tuple[Claim, ...] = ()
    code: Listing | None = None
    ask: Ask | None = None
    missions: Mission | tuple[Mission, ...] = ()
    folded: bool = False
    stacked: bool = False


def several(item: Any) -> tuple[Any, ...]:
    """Return one thing as a tuple of one."""
    return item if isinstance(item, tuple) else (item,)


def encode(item: Any, label: Callable[[str], str]) -> Any:
    """Return a declaration as JSON has it, its words replaced by what ``label`` says of them."""
    if isinstance(item, tuple):
        return [encode(part, label) for part in item]
    if not is_dataclass(item):
        return item
    found: dict[str, Any] = {}
    for place in fields(item):
        value = getattr(item, place.name)
        if place.metadata.get("word"):
            value = (
                [name and label(name) for name in value]
                if isinstance(value, tuple)
                else value and label(value)
            )
        found[place.name] = encode(value, label)
    if isinstance(item, Number | Choice | Clock | Pad):
        found |= {"label": label(item.name), "control": type(item).__name__.lower()}
    if isinstance(item, Choice | Ask):
        found["names"] = list(item.options)
    if isinstance(item, Choice):
        found["options"] = [
            label(option) if isinstance(option, str) else f"{option:,}" for option in item.options
        ]
    if isinstance(item, Scene | Mission):
        found["name"] = item.name
    if isinstance(item, Scene):
        found |= {
            name: many if isinstance(many := found[name], list) else [many]
            for name in ("pictures", "claims", "missions")
        }
    if isinstance(item, Mission):
        found["label"] = label(item.name)
    return found
