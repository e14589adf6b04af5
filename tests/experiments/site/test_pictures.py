"""The site's pictures are smaller than the committed ones, look the same, and have a message."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

from experiments.paths import RESULTS
from experiments.site.pictures import COLOURS, LARGE, compact, few_colours, message, picture
from experiments.site.results import found, html
from tests.browser import opened

SVG = RESULTS / "nano" / "table1.svg"


def test_numbers_have_two_digits_and_texts_stay() -> None:
    svg = (
        '<svg>\n <path d="M 1.239999 2\nL 3.5 4.000001 z "/>\n <use x="10.123456"/>12.3456\n</svg>'
    )
    assert compact(svg) == '<svg>\n<path d="M1.23 2L3.5 4.00z"/>\n<use x="10.12"/>12.3456\n</svg>'


def test_letters_have_short_names_and_places_in_tenths() -> None:
    text = '<g transform="translate(7.56789 8.12345) scale(0.1)"><use xlink:href="#DejaVuSans-41" '
    svg = f'<path id="DejaVuSans-41"/>{text}transform="translate(69.824219 0)"/></g>'
    text = '<g transform="translate(7.56 8.12) scale(0.1)"><use xlink:href="#g41" '
    assert compact(svg) == f'<path id="g41"/>{text}x="69.8"/></g>'
    bold = '<path id="DejaVuSans-Bold-41"/><use xlink:href="#DejaVuSans-Bold-41"/>'
    assert compact(bold) == '<path id="b41"/><use xlink:href="#b41"/>'


def test_what_is_not_seen_is_left_out() -> None:
    space = '<path id="DejaVuSans-3" transform="scale(0.015625)"/>\n'
    used = '<use xlink:href="#DejaVuSans-3" transform="translate(69.8 0)"/>\n'
    assert compact(f'<g id="text_1">\n{space}{used}</g>') == compact(f"<g>\n{space}</g>")
    clip = '<clipPath id="p1"/><path clip-path="url(#p1)" style="fill: none; stroke: #000000"/>'
    assert compact(clip) == (
        '<clipPath id="p1"/><path clip-path="url(#p1)" style="fill:none;stroke:#000000"/>'
    )


def drawn(page: Page, svg: str, folder: Path) -> Image.Image:
    path = folder / "drawn.svg"
    path.write_text(svg)
    page.goto(path.as_uri())
    return Image.open(io.BytesIO(page.screenshot())).convert("L")


@pytest.mark.parametrize("name", ["nano/table1", "nano/rivals", "dose/dose", "findings/by-dose"])
def test_a_smaller_picture_looks_the_same(name: str, chromium: Browser, tmp_path: Path) -> None:
    svg = (RESULTS / f"{name}.svg").read_text()
    assert len(compact(svg)) < 0.7 * len(svg)
    with opened(chromium, RESULTS / f"{name}.svg", height=1000) as (page, _):
        one, two = (drawn(page, each, tmp_path) for each in (svg, compact(svg)))
    difference = ImageChops.difference(one, two)
    # Edges may be drawn a hundredth of a point further; nothing is moved or left out.
    counts = difference.histogram()
    assert sum(counts[48:]) < 0.0005 * sum(counts)
    assert sum(ImageChops.invert(one).histogram()[200:]) > 1000


def test_a_large_picture_is_a_png_with_few_colours() -> None:
    large = max(RESULTS.rglob("*.svg"), key=lambda path: path.stat().st_size)
    assert large.stat().st_size > LARGE
    name, content = picture(large)
    assert name == large.with_suffix(".png").name
    assert isinstance(content, bytes)
    committed = large.with_suffix(".png").read_bytes()
    assert content == few_colours(committed)
    assert len(content) < 0.5 * len(committed)
    one, two = (Image.open(io.BytesIO(each)).convert("RGB") for each in (committed, content))
    assert len(two.getcolors(COLOURS) or []) > 1
    assert not any(ImageChops.difference(one, two).convert("L").histogram()[60:])


def test_the_message_of_a_picture_is_its_title() -> None:
    assert message(SVG.read_text()).replace("\xa0", " ") == (
        "Noise changes the win rate by +0.3 points [−2.0, +2.6] on average over four sets, by the "
        "oracle by +0.9 points [+0.3, +1.6]"
    )
    counts = json.loads((RESULTS / "nano" / "claims.json").read_text())["verdicts"]
    claims = message((RESULTS / "nano" / "claims.svg").read_text())
    assert claims.startswith(f"{counts['holds']} of ")
    assert message("<svg></svg>") == ""
    assert [each.name for each in found() if each.path.with_suffix(".svg").exists()] == [
        each.name for each in found() if each.message
    ]


def test_the_list_has_the_message_and_what_else_is_said_once_each() -> None:
    by_name = {result.name: result for result in found()}
    message_, summary = by_name["by-dose"].message, by_name["by-dose"].summary
    assert message_.startswith("With noise, real models")
    assert summary.startswith("Changes are from the same training")
    assert by_name["laboratory"].summary.startswith("17 of 17 conditions are met.")
    assert not any("`" in result.summary for result in found())


def test_every_picture_of_a_result_is_on_its_page(site: Path) -> None:
    for result in found():
        page = (site / result.page).read_text()
        for name in {*result.pictures, result.name}:
            if (result.path.parent / f"{name}.svg").exists():
                assert f'<img src="{name}.' in page, f"{result.page}: {name}"


def test_headings_follow_the_title_without_a_gap() -> None:
    assert html("Text.\n\n### One") == "<p>Text.</p>\n<h2>One</h2>"
    assert html("## One\n\n### Two") == "<h2>One</h2>\n<h3>Two</h3>"


def test_numbers_in_tables_have_a_minus_sign() -> None:
    row = "| gemma-3-270m | -1.98 [-7.07, +3.27] | 5-10 | -0.5, -1 |\n"
    made = html(f"| a | b | c | d |\n| - | - | - | - |\n{row}")
    cells = ("gemma-3-270m", "−1.98 [−7.07, +3.27]", "5-10", "−0.5, −1")
    assert all(f"<td>{cell}</td>" in made for cell in cells)


def test_a_long_table_scrolls_in_a_frame_of_its_own() -> None:
    head = "| a | b |\n| - | - |\n"
    assert 'class="wide"' in html(head + "| 1 | 2 |\n" * 20)
    assert 'class="wide long"' in html(head + "| 1 | 2 |\n" * 40)
