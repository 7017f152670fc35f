"""Rebuild the lessons' maths font: the part of STIX Two Math that formulas may need.

    npm pack @fontsource/stix-two-math@5.3.0
    pip install fonttools brotli
    python tools/build_math_font.py fontsource-stix-two-math-5.3.0.tgz

The package holds the font as Google Fonts distributes it, under the SIL Open Font License 1.1, and that licence's text.
A changed font gets a name of its own, "Lesson Math", so that nobody takes it for the original.
"""

import io
import sys
import tarfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = Path(__file__).parents[1] / "src/onelayer/lab/static"
FONT, LICENSE = "package/files/stix-two-math-latin-400-normal.woff2", "package/LICENSE"
NAME = "Lesson Math"
ROOM_UNDER_BAR = 60  # thousandths of an em

# Of Unicode's mathematical alphabets: bold, italic, bold italic, script, double-struck; of Greek all but sans-serif.
ALPHABETS = [(0x1D400, 0x1D4CF), (0x1D538, 0x1D56B), (0x1D6A4, 0x1D755), (0x1D7CE, 0x1D7E1)]
# Letters of these alphabets that Unicode had before them.
LETTERLIKE = "ℂℎℏℕℙℚℝℤℬℰℱℋℐℒℳℛℯℊℴℓ"
SIGNS = (
    "ˆ˜ˉ¯˘˙¨ˇ´`→"  # accents
    "−±∓×÷·∗∘⊕⊗⊙∩∪∖∧∨"
    "∼≃≈≅≠≡≤≥≪≫∝∈∉∋⊂⊆⊃⊇⊤⊥∣∤∥≔"
    "←→↑↓↔↦⇐⇒⇔"
    "∑∏∫∬∮√∞∂∇∀∃∅∆¬"
    "⌈⌉⌊⌋⟨⟩‖′″‴…⋯⋮⋱⏞⏟°†‐–—‘’“”\u00a0\u2009\u2061\u2062"
)
LATIN = [(0x20, 0x7E)]
GREEK = [(0x391, 0x3A9), (0x3B1, 0x3C9), (0x3D1, 0x3D1), (0x3D5, 0x3D6), (0x3F0, 0x3F1), (0x3F5, 0x3F5)]


def characters() -> set[int]:
    """Return the code points that the font is to have."""
    ranges = [*LATIN, *GREEK, *ALPHABETS]
    return {code for first, last in ranges for code in range(first, last + 1)} | set(
        map(ord, LETTERLIKE + SIGNS)
    )


def reduced(font: TTFont) -> TTFont:
    """Keep the glyphs of the characters, and those that their brackets, roots and sums grow into."""
    options = subset.Options(hinting=False, layout_features=["ccmp"], name_IDs=[], notdef_outline=True)
    reducer = subset.Subsetter(options)
    reducer.populate(unicodes=characters())
    reducer.subset(font)
    return font


def adjusted(font: TTFont) -> TTFont:
    """Make up for what browsers do otherwise than TeX, for which the font's numbers are meant.

    TeX sets scripts at every single letter or bracket as high as at an x. Browsers measure each base, and the j of y_j
    would stand lower than that of o_j. The drops here are those of TeX's Computer Modern, in thousandths of an em.
    Browsers also draw the bar of a root nearer to what is below it.
    """
    constants = font["MATH"].table.MathConstants
    constants.SuperscriptBaselineDropMax.Value = 386
    constants.SubscriptBaselineDropMin.Value = 50
    constants.RadicalVerticalGap.Value += ROOM_UNDER_BAR
    constants.RadicalDisplayStyleVerticalGap.Value += ROOM_UNDER_BAR
    return font


def with_narrow_roots(font: TTFont) -> TTFont:
    """Make the tall signs of a root as narrow as the small one, since Chromium leaves room for the widest at each."""
    variants = font["MATH"].table.MathVariants
    root = font.getBestCmap()[ord("√")]
    width, _ = font["hmtx"][root]
    tall = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    names = {variant.VariantGlyph for variant in tall.MathGlyphVariantRecord}
    names |= {part.glyph for part in tall.GlyphAssembly.PartRecords}
    for name in names - {root}:
        advance, _ = font["hmtx"][name]
        glyph = font["glyf"][name]
        glyph.coordinates.scale((width / advance, 1))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (width, glyph.xMin)
    return font


def renamed(font: TTFont, copyright_notice: str) -> TTFont:
    """Give the font its own name, and the notice of those who drew it."""
    names = font["name"]
    names.names = []
    described = {
        0: copyright_notice,
        1: NAME,
        2: "Regular",
        3: f"{NAME} Regular",
        4: f"{NAME} Regular",
        6: NAME.replace(" ", "") + "-Regular",
        10: "A part of STIX Two Math.",
        13: "This Font Software is licensed under the SIL Open Font License, Version 1.1.",
        14: "https://openfontlicense.org",
    }
    for number, text in described.items():
        names.setName(text, number, 3, 1, 0x409)  # Windows, Unicode, English
    return font


def main() -> None:
    """Write the font and its licence beside the pages' scripts."""
    with tarfile.open(sys.argv[1]) as package:
        licence = package.extractfile(LICENSE).read().decode()
        font = TTFont(io.BytesIO(package.extractfile(FONT).read()), recalcTimestamp=False)
    font = renamed(with_narrow_roots(adjusted(reduced(font))), licence.splitlines()[0])
    font.flavor = "woff2"
    font.save(TARGET / "math.woff2")
    (TARGET / "math-font-LICENSE.txt").write_text(licence, encoding="utf-8")
    print(f"{len(font.getGlyphOrder())} glyphs, {(TARGET / 'math.woff2').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
