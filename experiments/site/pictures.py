"""The pictures of results as the site has them: small, and with their message as text.

    name, content = picture(Path("results/nano/table1.svg"))
    message(Path("results/nano/table1.svg").read_text())  # "Noise changes the win rate by …"

Matplotlib draws each letter as a shape of its own, which makes an SVG look alike everywhere, and
large. What is left out here can be seen in none of them.
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from neftune.training.json_files import read_text

LARGE = 400_000
"""Bytes of an SVG beyond which the site has the PNG, which is much smaller then."""
COLOURS = 128
"""Of a PNG. The pictures have fewer, but for the blends at the edges of letters and lines."""
HUNDREDTHS = re.compile(r"(\d\.\d\d)\d+")
TENTHS = re.compile(r"(\d\.\d)\d+")
SHIFT = re.compile(r"translate\([^)]*\)")
ALONG = re.compile(r' transform="translate\(([-\d.]+) 0\)"/>')
GLYPH = re.compile(r'(id="|href="#)DejaVuSans-(Bold-)?')
SPACE = re.compile(r'<path id="(\w+)" transform="scale\(0\.015625\)"/>\n')
STYLE = re.compile(r'style="[^"]*"')
REFERRED = re.compile(r'(?:href="|url\()#([^")]+)')
COMMENT, END = "   <!-- ", " -->"
"""Of a line of a text that belongs to no panel; those within panels stand further in."""


def picture(svg: Path) -> tuple[str, str | bytes]:
    """The name and the content of the file that the site has of a committed picture.

    Args:
        svg: the picture; a PNG of the same name lies beside it.

    Returns:
        The SVG, or the PNG where the SVG draws so much that it is large.
    """
    if svg.stat().st_size > LARGE:
        png = svg.with_suffix(".png")
        return png.name, few_colours(png.read_bytes())
    return svg.name, compact(read_text(svg))


def message(svg: str) -> str:
    """The bold title above a picture, which says what is seen; empty where there is none.

    Args:
        svg: as it is committed. Each line of a text is a comment before the shapes of its letters.
    """
    found, text = [], ""
    for line in svg.splitlines():
        if line.startswith(COMMENT):
            text = line.removeprefix(COMMENT).removesuffix(END)
        elif text and "DejaVuSans-" in line:
            if "DejaVuSans-Bold-" in line:
                found.append(text)
            text = ""
    return html.unescape(" ".join(found))


def few_colours(png: bytes) -> bytes:
    """A picture with a palette, in place of three bytes for each point."""
    from PIL import Image

    out = io.BytesIO()
    plain = Image.open(io.BytesIO(png)).convert("RGB")
    plain.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def compact(svg: str) -> str:
    """A picture that looks the same in fewer bytes.

    Coordinates are to a hundredth of a point, and those of letters within a text, which are in
    units of a tenth of a point, to a tenth. Names are short, and there are none that nothing
    refers to. Spaces are no shapes.
    """

    def shorter(found: re.Match[str]) -> str:
        plain = re.sub(r"\s+", " ", found[2]).strip()
        plain = re.sub(r" ?([A-Za-z]) ?", r"\1", plain)
        return f'{found[1]}="{HUNDREDTHS.sub(lambda each: each[1], plain)}"'

    def kept(shift: str) -> re.Pattern[str]:
        return TENTHS if shift.endswith(" 0)") else HUNDREDTHS

    svg = re.sub(r'(?<= )(d|x|y)="([^"]*)"', shorter, svg)
    svg = SHIFT.sub(lambda found: kept(found[0]).sub(lambda each: each[1], found[0]), svg)
    svg = ALONG.sub(r' x="\1"/>', svg)
    svg = GLYPH.sub(lambda found: f"{found[1]}{'b' if found[2] else 'g'}", svg)
    svg = STYLE.sub(lambda found: re.sub(r"([:;]) ", r"\1", found[0]), svg)
    svg = re.sub(r"\n\s+", "\n", svg)
    for space in SPACE.findall(svg):
        svg = re.sub(rf'<use xlink:href="#{space}"[^>]*/>\n', "", svg)
    referred = set(REFERRED.findall(svg))
    return re.sub(r' id="([^"]*)"', lambda each: each[0] if each[1] in referred else "", svg)
