"""The parts that the page is made of. What they take is HTML already: see ``text``."""

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray


def section(heading: str, *parts: str) -> str:
    """Return a section of the page, or nothing if there is nothing in it."""
    content = "".join(parts)
    return f"<section><h2>{heading}</h2>{content}</section>" if content else ""


def paragraph(text: str, css: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{css}">{text}</p>' if css else f"<p>{text}</p>"


def bullets(items: Iterable[str]) -> str:
    """Return a list."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Return names and what they stand for."""
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in items)}</dl>"


def table(heading: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, is_alone: bool = False) -> str:
    """Return a table below its heading; the first cell of a row is the row's heading.

    A row of one cell is the heading of those below it. A table that is alone in its section needs no other heading.
    """
    columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(_row(row, len(head)) for row in rows)
    box = boxed(heading, f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>")
    return box if is_alone else f"<h3>{heading}</h3>{box}"


def _row(cells: Sequence[str], columns: int) -> str:
    if len(cells) == 1:
        return f'<tr class="group"><th scope="rowgroup" colspan="{columns}">{cells[0]}</th></tr>'
    others = "".join(f"<td>{cell}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{cells[0]}</th>{others}</tr>'


def boxed(label: str, content: str) -> str:
    """Return what scrolls in its own box, also with the keyboard, where the page is narrow."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{untagged(label)}">{content}</div>'


def figure(heading: str, picture: str, *notes: str) -> str:
    """Return a picture under its heading, with what there is to say below it."""
    text = "".join(paragraph(note) for note in notes if note)
    return f"<figure><h3>{heading}</h3>{picture}<figcaption>{text}</figcaption></figure>"


def grid(*figures: str) -> str:
    """Return figures side by side where there is room."""
    content = "".join(figures)
    return f'<div class="pictures">{content}</div>' if content else ""


def untagged(html: str) -> str:
    """Return HTML without its tags, for an attribute."""
    return "".join(part.partition(">")[2] if i else part for i, part in enumerate(html.split("<")))


def thumbnails(items: Iterable[tuple[NDArray[np.uint8], str, str]]) -> str:
    """Return images (h, w) or (h, w, 3), each with what it shows in words and the HTML below it."""
    return (
        '<ul class="thumbnails">'
        + "".join(
            f'<li><img src="{_data_uri(pixels)}" width="{pixels.shape[1]}" height="{pixels.shape[0]}" '
            f'alt="{escape(alt)}"><span>{below}</span></li>'
            for pixels, alt, below in items
        )
        + "</ul>"
    )


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    return f"data:image/png;base64,{b64encode(png(pixels)).decode()}"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return grey pixels (h, w) or colours (h, w, 3) as a PNG file (W3C, Portable Network Graphics, third edition)."""
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    lines = np.insert(pixels.reshape(height, -1), 0, 0, axis=1)  # 0: a line is as it is, not a difference
    chunks: tuple[tuple[bytes, Any], ...] = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
