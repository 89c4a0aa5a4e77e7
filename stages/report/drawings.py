"""Figures as a page holds them: in the text of the page itself."""

from __future__ import annotations

import base64
import functools
import io
import re
from pathlib import Path
from urllib.parse import quote

import vl_convert
from PIL import Image

from stages.core import paths

KINDS = {".svg": "image/svg+xml", ".png": "image/png"}  # films are played from the tables
LONG = re.compile(r"\d+\.\d{2,}")
LARGE = 150_000  # characters of an SVG that the page holds as pixels, which are fewer bytes


def address(path: Path) -> str:
    """A file as a data: address that may stand between double quotes.

    SVG stays text, with coordinates to a tenth of a point, unless it is LARGE. Of a PNG 256 colours are kept.
    """
    return _address(path.read_bytes(), path.suffix)


@functools.cache
def _address(content: bytes, suffix: str) -> str:
    if suffix != ".svg":
        return _pixels(content, 256)
    if len(content) > LARGE:
        return _pixels(vl_convert.svg_to_png(content.decode(), scale=1.5), 64)  # on the white that figures have
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", content.decode(), flags=re.DOTALL)
    text = re.sub(
        r' (?:d|x|y)="[^"]*"|translate\([^)]*\)',
        lambda of: LONG.sub(lambda number: f"{float(number[0]):.1f}", of[0]),
        text,
    )
    return f"data:{KINDS[suffix]}," + quote(
        " ".join(text.split()).replace('"', "'"), safe=" <>=:/;,.()'!*~+-_[]{}|^@$?`"
    )


def _pixels(png: bytes, colors: int) -> str:
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(colors).save(buffer := io.BytesIO(), "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def files(name: str, scale: str) -> list[Path]:
    """An experiment's figures that the page can hold, by name."""
    folder = paths.figures(f"{scale}/{name}")
    return sorted(path for path in folder.glob("*") if path.suffix in KINDS) if folder.exists() else []
