from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import medgraft.report.html as html
from medgraft.base import MedgraftError
from medgraft.report import build
from medgraft.report.read import read_run
from medgraft.report.sections.registry import found_in, section, sections
from medgraft.report.view import View

VOID = {"meta", "br", "link", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """Tags, identifiers and text of a page; complains of a tag that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if "body" in self.open:
            self.text.append(data)

    def every(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(params=["curve", "multiclass", "regression"])
def page(request, pages):
    return Page(pages(request.param).read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_its_links_lead_somewhere(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in page.every("a")]
    assert links and all(link.startswith("#") and link[1:] in ids for link in links)
    assert len(page.every("h1")) == 1


def test_the_navigation_leads_to_every_section_in_order(page):
    ids = [attrs["id"] for attrs in page.every("section")]
    assert [a["href"] for a in page.every("a") if a["href"][1:] in ids] == [f"#{name}" for name in ids]
    assert len(ids) >= 12


def test_a_section_is_added_by_registering_it_alone(make, monkeypatch):
    folder, _ = make()
    build(folder)
    before = json.loads((folder / "report.json").read_text())
    more = {**sections._entries, "spread": lambda view: {"figures": {"arms": len(view.arms)}, "said": "wide"}}
    monkeypatch.setattr(sections, "_entries", more)
    build(folder)
    assert json.loads((folder / "report.json").read_text()) == before | {"spread": {"arms": 8}}
    words = html.environment().from_string("{% if spread %}{{ spread.said }}{% endif %}")
    assert words.render(found_in(View(read_run(folder)))) == "wide"


def test_the_page_asks_for_nothing_from_outside(page):
    for tag in ("script", "link", "img", "iframe", "object", "embed", "form", "video", "audio"):
        assert not page.every(tag)
    for _, attrs in page.tags:
        for name, value in attrs.items():
            assert not name.startswith("on")
            assert not re.search(r"(https?:)?//|javascript:|data:", value or "")
    assert "default-src 'none'" in page.every("meta")[2]["content"]


def test_every_plot_is_described_and_every_scrolling_table_reachable_by_keyboard(page):
    drawings = page.every("svg")
    assert len(drawings) >= 4
    assert all(d["role"] == "img" and len(d["aria-label"]) > 40 for d in drawings)
    regions = [attrs for _, attrs in page.tags if attrs.get("class") == "scroll"]
    assert regions and all(r["tabindex"] == "0" and r["aria-label"] for r in regions)


def test_a_section_whose_name_no_template_can_say_is_refused():
    with pytest.raises(ValueError, match="section 'my-part'"):
        section("my-part")


def test_the_question_then_the_verdict_stand_before_everything_else(make):
    folder, result = make()
    text = " ".join(" ".join(Page(build(folder).read_text()).text).split())
    places = [
        text.index(part) for part in (result["question"], result["verdict"].split(" (")[0], "The patients")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", ["curve", "multiclass", "regression"])
def test_the_page_is_small(pages, kind):
    assert 20_000 < pages(kind).stat().st_size < 3_000_000


def test_the_same_run_gives_the_same_page(make):
    folder, _ = make()
    first = build(folder)
    assert first == folder / "report.html"
    content = first.read_bytes()
    assert build(folder).read_bytes() == content


def test_names_from_users_are_shown_as_text_and_never_run(make, rewrite):
    folder, result = make(curve=True)
    evil = "<script>pwned=1</script>\"'$x_$&amp;"
    text = json.dumps(result).replace('"pooled"', json.dumps(evil)).replace('"disease"', json.dumps(evil))
    text = text.replace('"cleveland"', json.dumps(evil)).replace('"ill"', json.dumps(evil))
    result = json.loads(text) | {"verdict": evil, "question": evil, "command": evil, "warnings": [evil]}
    rewrite(folder, result)
    page = Page(build(folder).read_text(encoding="utf-8"))
    assert not page.every("script")
    shown = "".join(page.text)
    assert shown.count(evil) >= 9  # tables, verdict, question, command, warning
    assert "pwned" in "".join(d["aria-label"] for d in page.every("svg"))


def test_no_patient_and_no_path_is_shown(make, rewrite):
    folder, result = make()
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["group"] = "PATIENT-" + frame["group"].astype(str)
    frame.to_parquet(folder / "predictions.parquet")
    result |= {
        "calibration": {},
        "command": "medgraft trial /home/ana/secret/heart.csv",
        "warnings": ["Skipped '/home/ana/secret/p1.png'."],
    }
    result["arms"][4] |= {"settings": {"source": "/home/ana/secret/net.safetensors"}}
    rewrite(folder, result)
    content = build(folder).read_text()
    assert "PATIENT-" not in content and "secret" not in content and str(folder) not in content
    assert "medgraft trial heart.csv" in content and "net.safetensors" in content


def test_a_result_with_only_what_is_required_gives_a_page(tmp_path, rewrite):
    arm = {"name": "target-only", "value": 0.5, "ci": [0.4, 0.6]}
    result = {
        "task": "binary",
        "metric": "auroc",
        "better": "higher",
        "arms": [arm],
        "control": "target-only",
    }
    rewrite(
        tmp_path, result | {"comparisons": [], "chosen": "target-only", "verdict": "No transfer arm ran."}
    )
    page = Page(build(tmp_path).read_text(encoding="utf-8"))
    assert "No transfer arm ran." in "".join(page.text)


def test_undefined_figures_everywhere_still_give_a_page(make, rewrite):
    folder, result = make(curve=True)

    def empty(value):
        if isinstance(value, dict):
            return {k: empty(v) for k, v in value.items()}
        if isinstance(value, list):
            return [empty(v) for v in value]
        return None if isinstance(value, float) else value

    rewrite(folder, empty(result))
    shown = "".join(Page(build(folder).read_text(encoding="utf-8")).text)
    assert "nan" not in shown.lower() and "None" not in shown


def test_a_failure_leaves_the_earlier_page_and_nothing_half(make, monkeypatch):
    folder, _ = make()
    page = build(folder)
    before = page.read_bytes()

    def full(self, *args, **kwargs):
        self.write_bytes(b"<!DOC")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(MedgraftError, match=r"report\.html.*No space left"):
        build(folder)
    assert page.read_bytes() == before
    assert sorted(p.name for p in folder.iterdir()) == [
        "model_card.md",
        "plan.json",
        "predictions.parquet",
        "report.html",
        "report.json",
        "result.json",
    ]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_the_contrast_that_wcag_asks_for(scheme):
    css = (html.TEMPLATES / "report.css").read_text()
    block = re.findall(r":root \{(.*?)\}", css, flags=re.S)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    pairs = [(ink, ground) for ink in ("ink", "muted", "accent") for ground in ("bg", "surface")]
    pairs += [(k, f"{k}-soft") for k in ("good", "bad", "open")] + [
        ("ink", f"{k}-soft") for k in ("good", "bad", "open")
    ]
    pairs += [(k, ground) for k in ("good", "bad") for ground in ("bg", "surface")]
    for ink, ground in pairs:
        a, b = sorted((_luminance(colours[ink]), _luminance(colours[ground])))
        assert (b + 0.05) / (a + 0.05) >= 4.5, (ink, ground)


def test_a_guard_that_keeps_the_control_says_that_the_model_is_without_transfer(make, rewrite):
    folder, result = make()
    result["guard"]["final"] = {"choice": "target-only", "reason": "The control is kept."}
    rewrite(folder, result)
    shown = " ".join("".join(Page(build(folder).read_text(encoding="utf-8")).text).split())
    assert (
        "Delivered: guarded, which chose target-only from all patients: the model without transfer." in shown
    )
