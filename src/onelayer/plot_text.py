"""Text of pictures: names that are short enough, in fonts that have their characters."""

from contextlib import suppress
from functools import cache

from matplotlib import rcParams

from onelayer.readable import shown

LONGEST_NAME = 24
# Tried in this order for text that the default font lacks, such as Chinese column names.
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "SimHei",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)


def shortened(name: str) -> str:
    """Return a name cut to a readable length, with no part of it taken for a formula."""
    name = shown(name)
    short = name if width_of(name) <= LONGEST_NAME else name[: LONGEST_NAME // 2] + "…"
    return short.replace("$", r"\$")


def width_of(name: str) -> int:
    """Return how many Latin letters a name is as wide as: a Chinese character is two."""
    return sum(2 if ord(character) >= 0x2E80 else 1 for character in name)


def families(*texts: str) -> list[str]:
    """Return the font families to draw the texts with: beyond Latin, add one that has the characters."""
    default = list(rcParams["font.sans-serif"][:1])
    if all(ord(character) < 0x2E80 for text in texts for character in text):
        return default
    return default + installed_cjk_fonts()[:1]


@cache
def installed_cjk_fonts() -> list[str]:
    """Return those of CJK_FONTS that there are; where matplotlib's list of fonts has none, look for newer ones."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    def known() -> list[str]:
        names = set(fontManager.get_font_names())
        return [font for font in CJK_FONTS if font in names]

    if not known():  # the list is from the first time that matplotlib was used on this machine
        listed = {entry.fname for entry in fontManager.ttflist}
        for path in sorted(set(findSystemFonts()) - listed):
            with suppress(OSError, RuntimeError, UnicodeError):  # a file that is not a font it can read
                fontManager.addfont(path)
    return known()
