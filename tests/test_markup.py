"""The lessons' Markdown and formulas as HTML and MathML, and the font that formulas are set in."""

import re
import unicodedata
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from onelayer import OneLayerError
from onelayer.lab.course import COURSE, HERE
from onelayer.lab.interface import LANGUAGES
from onelayer.lab.markup import formula, label_html, to_html
from onelayer.lab.prose import read_lesson

STATIC = HERE / "static"
LESSONS = [(entry.slug, language) for entry in COURSE for language in LANGUAGES]
X, W = "<math><mi>x</mi></math>", "<math><mi>𝐰</mi></math>"

# Markdown


def test_a_formula_is_safe_from_markdown():
    pair = "<msub><mi>x</mi><mi>i</mi></msub><msub><mi>x</mi><mi>j</mi></msub>"
    assert to_html("*a* $x_i x_j$ and $x$.") == (
        f'<p><em>a</em> <math>{pair}</math> and <span class="lab-kept">{X}.</span></p>'
    )


def test_a_formula_on_lines_of_its_own_is_displayed():
    assert to_html("Here:\n\n$$\nx\n> y\n$$\n\nand on") == (
        '<p>Here:</p>\n<math display="block"><mi>x</mi><mo>&gt;</mo><mi>y</mi></math>\n<p>and on</p>'
    )
    assert to_html("Here:\n$$x$$\nand on").startswith('<p>Here:\n<math display="block">')


def test_a_formula_may_go_on_in_the_next_line_but_not_in_the_next_paragraph():
    assert to_html("$x\n= y$") == "<p><math><mi>x</mi><mo>=</mo><mi>y</mi></math></p>"
    assert to_html("$x\n\ny$") == "<p>$x</p>\n<p>y$</p>"


@pytest.mark.parametrize("text", ["$5", "$5 or $6", "from $5 to $10.50 a day", "US$5, A$7", "5 $ and 6 $"])
def test_money_is_no_formula(text):
    assert to_html(text) == f"<p>{text}</p>"


def test_money_does_not_hide_a_formula():
    assert to_html("$5 for $x$ of them") == f"<p>$5 for {X} of them</p>"


def test_an_escaped_dollar_sign_is_one():
    assert to_html(r"\$x\$ and $x$") == f"<p>$x$ and {X}</p>"
    assert label_html(r"\$x\$") == "$x$"


def test_dollar_signs_in_code_stay():
    assert to_html("`$x$` and ``a`$x$``") == "<p><code>$x$</code> and <code>a`$x$</code></p>"
    assert to_html("```\n$x$\n```") == "<pre><code>$x$\n</code></pre>"


def test_text_is_escaped():
    assert to_html("a < b & c") == "<p>a &lt; b &amp; c</p>"
    assert label_html("a < b & *c*") == "a &lt; b &amp; *c*"
    assert formula(r"a < \text{b < c & d}") == (
        "<math><mi>a</mi><mo>&lt;</mo><mtext>b\xa0&lt;\xa0c\xa0&amp;\xa0d</mtext></math>"
    )


def test_values_are_places_that_a_script_fills_in():
    assert to_html("**{{row_count}}** of `{{layer}}`") == (
        '<p><strong><span data-value="row_count"></span></strong> of '
        '<code><span data-value="layer"></span></code></p>'
    )
    assert label_html("unit {{i}}") == 'unit <span data-value="i"></span>'


def test_values_in_a_formula_are_numbers_of_it():
    assert formula(r"x_{ {{feature}} } = ({{a_b}},\ 2)") == (
        '<math><msub><mi>x</mi><mn data-value="feature"></mn></msub><mo>=</mo><mo stretchy="false">(</mo>'
        '<mn data-value="a_b"></mn><mo>,</mo><mtext>\xa0</mtext><mn>2</mn><mo stretchy="false">)</mo></math>'
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("($x$)", f'<span class="lab-kept">({X})</span>'),
        ("($x$, b", f'<span class="lab-kept">({X},</span> b'),
        ("以及 $x$。", f'以及 <span class="lab-kept">{X}。</span>'),
        ("（$x$", f'<span class="lab-kept">（{X}</span>'),
        ("a $x$ b", f"a {X} b"),
        ("**$x$**", f"<strong>{X}</strong>"),
    ],
)
def test_a_short_formula_stays_with_its_punctuation(text, html):
    assert to_html(text) == f"<p>{html}</p>"


def test_a_long_formula_may_be_parted_from_its_punctuation():
    assert "lab-kept" in to_html(f"${'x' * 30}$,")
    assert "lab-kept" not in to_html(f"${'x' * 31}$,")


def test_the_words_of_a_control_may_have_formulas():
    assert label_html(r"weights $\mathbf{w}$") == f"weights {W}"


# Formulas


@pytest.mark.parametrize(
    ("latex", "inner"),
    [
        # letters
        (r"\mathbf{w}", "<mi>𝐰</mi>"),
        (r"\mathbf{1}", "<mn>𝟏</mn>"),
        (r"\boldsymbol{\epsilon}", "<mi>𝝐</mi>"),
        (r"\mathcal{B}", "<mi>ℬ</mi>"),
        (r"\mathcal{N}", "<mi>𝒩</mi>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"\mathrm{SSE}", "<mi>SSE</mi>"),
        (r"\Delta", '<mi mathvariant="normal">Δ</mi>'),
        (r"\partial l", "<mi>∂</mi><mi>l</mi>"),
        ("100{,}000", "<mn>100,000</mn>"),
        (r"\text{参数个数}", "<mtext>参数个数</mtext>"),
        (r"\text{for } i", "<mtext>for\xa0</mtext><mi>i</mi>"),
        # scripts and accents
        (r"\mathbf{X}^\top", "<msup><mi>𝐗</mi><mi>⊤</mi></msup>"),
        ("w^*", "<msup><mi>w</mi><mo>∗</mo></msup>"),
        ("d'", '<mi>d</mi><mo rspace="0">′</mo>'),
        (r"\hat{y}", '<mover accent="true"><mi>y</mi><mo stretchy="false">ˆ</mo></mover>'),
        (r"\tilde{y}", '<mover accent="true"><mi>y</mi><mo stretchy="false">˜</mo></mover>'),
        (r"\lambda_{\max}", '<msub><mi>λ</mi><mo lspace="0" rspace="0">max</mo></msub>'),
        (
            "w_{k,j}",
            '<msub><mi>w</mi><mrow><mi>k</mi><mo lspace="0" rspace="0">,</mo><mi>j</mi></mrow></msub>',
        ),
        # fractions and roots
        (
            r"\tfrac{1}{2}",
            '<mstyle displaystyle="false" scriptlevel="0"><mfrac><mn>1</mn><mn>2</mn></mfrac></mstyle>',
        ),
        (r"\sqrt{2\pi}", "<msqrt><mrow><mn>2</mn><mi>π</mi></mrow></msqrt>"),
        # signs
        ("-1", '<mo form="prefix" lspace="0" rspace="0">−</mo><mn>1</mn>'),
        ("a - 1", "<mi>a</mi><mo>−</mo><mn>1</mn>"),
        ("a = -1", '<mi>a</mi><mo>=</mo><mo form="prefix" lspace="0" rspace="0">−</mo><mn>1</mn>'),
        ("a/b", '<mi>a</mi><mo lspace="0" rspace="0">/</mo><mi>b</mi>'),
        (r"\eta =", '<mi>η</mi><mo rspace="0">=</mo>'),
        (r"x \sim y", "<mi>x</mi><mo>∼</mo><mi>y</mi>"),
        (r"a \ge b", "<mi>a</mi><mo>≥</mo><mi>b</mi>"),
        (r"a + \dots + b", "<mi>a</mi><mo>+</mo><mi>⋯</mi><mo>+</mo><mi>b</mi>"),
        # functions, with the spaces that TeX would set
        (r"\log p", '<mo lspace="0" rspace="0.167em">log</mo><mi>p</mi>'),
        (r"n \log p", '<mi>n</mi><mo lspace="0.167em" rspace="0.167em">log</mo><mi>p</mi>'),
        (
            r"\exp(o)",
            '<mo lspace="0" rspace="0">exp</mo><mo stretchy="false">(</mo><mi>o</mi><mo stretchy="false">)</mo>',
        ),
        (r"\operatorname{tr} A", '<mo lspace="0" rspace="0.167em">tr</mo><mi>A</mi>'),
        # brackets
        (
            r"|x|",
            '<mo stretchy="false" form="prefix">|</mo><mi>x</mi><mo stretchy="false" form="postfix">|</mo>',
        ),
        (
            r"\lVert x \rVert",
            '<mo stretchy="false" form="prefix">‖</mo><mi>x</mi><mo stretchy="false" form="postfix">‖</mo>',
        ),
        (r"\lceil x \rceil", '<mo stretchy="false">⌈</mo><mi>x</mi><mo stretchy="false">⌉</mo>'),
        (
            r"\left(x\right)",
            '<mo stretchy="true" fence="true" form="prefix">(</mo><mi>x</mi>'
            '<mo stretchy="true" fence="true" form="postfix">)</mo>',
        ),
    ],
)
def test_formulas_in_a_line(latex, inner):
    assert formula(latex) == f"<math>{inner}</math>"


def test_a_displayed_sum_has_its_limits_above_and_below():
    assert formula(r"\sum_{i=1}^{n} x", display=True) == (
        '<math display="block"><munderover><mo lspace="0" rspace="0.167em">∑</mo>'
        '<mrow><mi>i</mi><mo lspace="0" rspace="0">=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>x</mi></math>'
    )
    assert formula(r"\sum_i x").startswith("<math><msub>")


def test_cases_are_set_from_the_left():
    assert formula(r"\begin{cases} a & b \\ c & d \end{cases}") == (
        '<math><mo stretchy="true" fence="true" form="prefix">{</mo><mtable>'
        '<mtr><mtd class="lab-left"><mi>a</mi></mtd><mtd class="lab-left"><mi>b</mi></mtd></mtr>'
        '<mtr><mtd class="lab-left"><mi>c</mi></mtd><mtd class="lab-left"><mi>d</mi></mtd></mtr></mtable></math>'
    )


def test_aligned_lines_meet_at_the_ampersand():
    assert formula(r"\begin{aligned} a &= b \end{aligned}", display=True) == (
        '<math display="block"><mtable displaystyle="true" class="lab-aligned"><mtr>'
        '<mtd class="lab-right"><mi>a</mi></mtd>'
        '<mtd class="lab-left"><mi></mi><mo>=</mo><mi>b</mi></mtd></mtr></mtable></math>'
    )


def test_the_brackets_of_a_matrix_grow():
    assert formula(r"\begin{pmatrix} a \end{pmatrix}") == (
        "<math><mo>(</mo><mtable><mtr><mtd><mi>a</mi></mtd></mtr></mtable><mo>)</mo></math>"
    )


@pytest.mark.parametrize("latex", [r"\nosuch x", r"\begin{nosuch} a & b \end{nosuch}", r"\frac{1}", "x^a^b"])
def test_what_cannot_be_shown_is_an_error(latex):
    with pytest.raises(OneLayerError, match=re.escape(repr(latex))):
        formula(latex)


# All lessons


def lesson_html(slug, language):
    lesson = read_lesson(slug, language)
    titles_and_labels = [section.title for section in lesson.sections.values()] + list(lesson.labels.values())
    bodies = [to_html(section.body) for section in lesson.sections.values()]
    return "\n".join(bodies + [label_html(text) for text in titles_and_labels])


def formulas_of(html):
    return [ElementTree.fromstring(math) for math in re.findall(r"<math.*?</math>", html, re.DOTALL)]


@pytest.mark.parametrize(("slug", "language"), LESSONS)
def test_every_formula_of_a_lesson_is_converted(slug, language):
    html = lesson_html(slug, language)
    assert not re.search(r"\sstyle=|[$\ue000-\uf8ff]", html)
    for math in formulas_of(html):
        assert not re.search(
            r"\\|&|merror|{{", "".join(math.itertext()) + " ".join(e.tag for e in math.iter())
        )
        variants = [(element.text, value) for element in math.iter() if (value := element.get("mathvariant"))]
        assert all(value == "normal" and len(text) == 1 for text, value in variants)


@pytest.mark.parametrize(("slug", "language"), LESSONS)
def test_the_font_has_every_character_of_a_lessons_formulas(slug, language, characters):
    for math in formulas_of(lesson_html(slug, language)):
        for element in math.iter():
            text = (element.text or "").replace("\xa0", " ")
            shown = [text] if element.tag != "mi" or len(text) != 1 else [text, in_italics(text)]
            missing = {sign for sign in "".join(shown) if ord(sign) not in characters}
            assert all(unicodedata.name(sign).startswith("CJK") for sign in missing), missing


def in_italics(letter):
    """Browsers set one letter of a formula in italics, with the character for it."""
    kind, _, name = unicodedata.name(letter, "").partition(" ")
    if kind not in ("LATIN", "GREEK") or letter == "h" or "LETTER" not in name:
        return "ℎ" if letter == "h" else letter
    return unicodedata.lookup(f"MATHEMATICAL ITALIC {name.replace('LETTER ', '')}")


# The font


@pytest.fixture(scope="module")
def font():
    with TTFont(STATIC / "math.woff2") as font:
        yield font


@pytest.fixture(scope="module")
def characters(font):
    return set(font.getBestCmap())


def test_the_font_can_set_formulas_and_is_small(font):
    variants = font["MATH"].table.MathVariants
    growing = set(variants.VertGlyphCoverage.glyphs)
    assert {font.getBestCmap()[ord(sign)] for sign in "()[]{}|‖⌈⌉√∑"} <= growing
    assert (STATIC / "math.woff2").stat().st_size < 120_000


def test_the_font_does_not_go_by_the_name_of_the_one_that_it_was_made_from(font):
    assert {font["name"].getDebugName(number) for number in (1, 4, 6)} == {
        "Lesson Math",
        "Lesson Math Regular",
        "LessonMath-Regular",
    }
    assert "SIL OPEN FONT LICENSE Version 1.1" in (STATIC / "math-font-LICENSE.txt").read_text(
        encoding="utf-8"
    )
