"""From a matplotlib figure to an inline SVG that follows the page's colours and fonts."""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

# Drawn in these colours, shown in the page's: the same drawing serves light, dark and paper.
COLOURS = {
    "ink": "#010203",
    "muted": "#020304",
    "line": "#030405",
    "accent": "#040506",
    "good": "#050607",
    "bad": "#060708",
    "bg": "#070809",
}

_STYLE = {
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "svg.hashsalt": "medgraft",  # the same run gives the same bytes
    "text.usetex": False,
    "text.parse_math": False,  # a name may hold a dollar sign
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",  # ships with matplotlib; the page's own font is mostly narrower
    "font.size": 12.0,
    "axes.linewidth": 1.0,
    "path.simplify": False,
}


def draw(paint: Callable[[Any], None], width: int, height: int, name: str, label: str) -> Markup:
    """Return a drawing as an ``<svg>`` element.

    Parameters
    ----------
    paint : callable
        Receives an empty matplotlib Figure of `width` x `height`, where one point is one pixel.
    width, height : int
        In CSS pixels.
    name : str
        Makes the identifiers in the drawing unique within the page; letters, digits and hyphens.
    label : str
        What the drawing shows, for those who cannot see it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # the user's own style must not leak into the report
        matplotlib.rcParams.update(_STYLE)
        warnings.simplefilter("ignore")  # a glyph that DejaVu lacks is drawn by the browser's fonts
        figure = Figure(figsize=(width / 72, height / 72))
        figure.patch.set_visible(False)
        paint(figure)
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return Markup(_inline(buffer.getvalue(), width, height, name, label))


def _inline(svg: str, width: int, height: int, name: str, label: str) -> str:
    body = svg[svg.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(r"<style[^>]*>.*?</style>", "", body, flags=re.S)  # would style the whole page
    body = re.sub(r"<!--.*?-->", "", body, flags=re.S)  # matplotlib repeats every text in a comment
    body = _identifiers(body, name)
    body = re.sub(r"<[^>]*>", lambda tag: _colours(tag[0]), body)  # in tags only: a name may hold "#010203"
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    body = re.sub(r"\n\s*", "\n", body).strip()
    return f'{head} aria-label="{escape(label)}">{body}</svg>'


def _colours(tag: str) -> str:
    for role, colour in COLOURS.items():
        tag = tag.replace(colour, f"var(--{role})")
    return tag


def _identifiers(body: str, name: str) -> str:
    """Keep only identifiers that are pointed to, under names that are unique within the page."""
    used = set(re.findall(r"(?:url\(#|href=\"#)([\w.-]+)", body))
    short = {old: f"{name}-{i}" for i, old in zip(itertools.count(), sorted(used), strict=False)}
    body = re.sub(r' id="([\w.-]+)"', lambda m: f' id="{short[m[1]]}"' if m[1] in short else "", body)
    body = re.sub(r"url\(#([\w.-]+)\)", lambda m: f"url(#{short[m[1]]})", body)
    return re.sub(r'href="#([\w.-]+)"', lambda m: f'href="#{short[m[1]]}"', body)
