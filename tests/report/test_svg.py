from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib
import pytest

from medgraft.report.svg import COLOURS, draw


def _paint(figure):
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    ax.plot([0, 1], [0, 1], "o-", color=COLOURS["accent"], mec=COLOURS["ink"])
    ax.set_title("a < b & $x^2$ #010203 <script>", color=COLOURS["ink"])


@pytest.fixture(scope="module")
def svg():
    return str(draw(_paint, 400, 300, "one", 'of "a" < b'))


def test_one_point_is_one_pixel_and_the_drawing_is_well_formed(svg):
    root = ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1))
    assert root.get("viewBox") == "0 0 400 300"
    assert root.get("aria-label") == 'of "a" < b'
    assert root.get("role") == "img"


def test_text_stays_text_as_it_was_written(svg):
    assert "a &lt; b &amp; $x^2$ #010203 &lt;script&gt;" in svg
    assert "<script" not in svg


def test_every_colour_is_the_page_s(svg):
    inside_tags = "".join(re.findall(r"<[^>]*>", svg))
    assert "var(--accent)" in inside_tags and "var(--ink)" in inside_tags
    assert not [c for c in COLOURS.values() if c in inside_tags]


def test_nothing_reaches_beyond_the_drawing(svg):
    assert "<style" not in svg and "<!--" not in svg and "http" not in svg
    ids = re.findall(r' id="([^"]+)"', svg)
    pointed = set(re.findall(r'(?:url\(#|href="#)([\w.-]+)', svg))
    assert len(ids) == len(set(ids)) and set(ids) == pointed
    assert ids and all(i.startswith("one-") for i in ids)


def test_the_same_drawing_gives_the_same_bytes(svg):
    assert str(draw(_paint, 400, 300, "one", 'of "a" < b')) == svg


def test_the_user_s_matplotlib_style_is_neither_used_nor_changed(svg):
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        assert str(draw(_paint, 400, 300, "one", 'of "a" < b')) == svg
        assert dict(matplotlib.rcParams) == before
