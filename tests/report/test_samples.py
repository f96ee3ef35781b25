"""The part of the page that shows single samples of a segmentation."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from medgraft.report import build
from medgraft.report.read import read_run
from medgraft.report.samples import strips, thinned


def test_each_sample_is_a_dot_at_its_mean_over_repeats(outlines):
    folder, _ = outlines
    samples = read_run(folder).samples
    assert samples["unet"] == pytest.approx([0.2, 0.7, 0.8, 0.9, 0.95])
    page = build(folder).read_text()
    assert "A dot for each test sample" in page and "unet: median 0.800, 0.20 to 0.95" in page
    assert "10 in all" in page and "an outline" in page and "volumes" in page


def test_a_page_without_examples_has_no_image_and_says_so(outlines):
    page = build(outlines[0]).read_text()
    assert "<img" not in page and "img-src" not in page and "holds no patient's data" in page


def test_a_page_with_examples_holds_them_and_warns_of_what_it_shows(with_examples):
    page = build(with_examples).read_text()
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    files = [(with_examples / "examples" / f"{what}.png").read_bytes() for what in ("median", "worst")]
    assert [base64.b64decode(text) for text in found] == files
    assert "img-src data:" in page and "shows images of patients" in page
    assert "holds no patient's data" not in page


def test_an_example_that_was_deleted_or_lies_elsewhere_is_left_out(with_examples):
    (with_examples / "examples" / "worst.png").unlink()
    result = json.loads((with_examples / "result.json").read_text())
    result["examples"][0]["file"] = "/etc/median.png"
    (with_examples / "result.json").write_text(json.dumps(result))
    assert [e["what"] for e in read_run(with_examples).examples] == ["median"]


def test_other_tasks_have_no_dots(outlines):
    folder, result = outlines
    (folder / "result.json").write_text(json.dumps(result | {"task": "regression"}))
    assert read_run(folder).samples == {} and 'id="samples"' not in build(folder).read_text()
    assert strips({}, ["unet"], "Dice") is None


def test_the_extremes_stay_among_thinned_dots():
    values = sorted(np.random.default_rng(0).random(5000).tolist())
    some = thinned(values)
    assert len(some) == 400 and (some[0], some[-1]) == (values[0], values[-1]) and set(some) <= set(values)
