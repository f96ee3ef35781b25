"""The page of all studies says what the recorded runs found, and no more."""

from __future__ import annotations

from medgraft.studies import studies
from medgraft.studies.kit.page import balance, page


def account(key, verdict, kind="published", **more):
    experiment = {
        "title": "T",
        "metric": "auroc",
        "n": 50,
        "unit": "rows",
        "arms": [
            {"name": "m", "role": "transfer", "value": 0.8, "ci": [0.7, 0.9]},
            {"name": "c", "role": "control", "value": 0.7, "ci": [0.6, 0.8]},
        ],
        "method": "m",
        "control": "c",
        "difference": 0.1,
        "ci": [0.05, 0.15],
        "verdict": verdict,
    }
    return {
        "study": key,
        "data": {"kind": kind, "note": "Its own data."},
        "networks": {"timm:resnet50": "small.safetensors"},
        "experiments": [experiment],
        "verdict": verdict,
        "notes": ["A note."],
        "date": "2026-11-30",
        "version": "0.1.0",
    } | more


def test_verdicts_are_counted_by_kind_of_data_and_studies_without_transfer_are_not():
    known = [studies["rasa2024"], studies["alturki2024"]]
    given = {"rasa2024": [account("rasa2024", "harms")], "alturki2024": [account("alturki2024", "helps")]}
    text = balance(known, given)
    assert "On real data, transfer (1 studies): helped in 0, harmed in 1, could not be told in 0." in text
    assert (
        "| [38] | [rasa2024](#38-rasa2024) | published | 50 | auroc | +0.100 [+0.050, +0.150] | harms | "
        in text
    )
    other = account("rasa2024", "helps")
    other["experiments"][0]["transfer"] = False  # an experiment of a study that moves nothing in it
    assert "On real data" not in balance(known[:1], {"rasa2024": [other]})
    made = balance(known[:1], {"rasa2024": [account("rasa2024", "helps", "generated")]})
    assert "On generated data alone, transfer (1 studies): helped in 1" in made


def test_two_studies_that_made_the_same_run_count_once():
    known = [studies["rasa2024"], studies["natha2024"]]
    known.sort(key=lambda s: s.ref)
    text = balance(known, {s.key: [account(s.key, "helps")] for s in known})
    assert "On real data, transfer (1 studies): helped in 1," in text
    assert f"| helps (the same run as [{known[0].ref}], counted once) |" in text


def test_a_verdict_whose_interval_its_own_notes_call_too_narrow_says_so_in_the_table():
    known, note = [studies["rasa2024"]], "Segments stand for people, and intervals are too narrow."
    text = balance(known, {"rasa2024": [account("rasa2024", "harms", notes=[note])]})
    assert "| harms (interval too narrow) |" in text


def test_a_section_shows_ours_with_n_interval_and_date_and_theirs_with_its_source():
    told = account("rasa2024", "helps", command="medgraft studies run rasa2024")
    gap = {"title": "T", "metric": "auroc", "value": 0.05, "ci": [0.0, 0.1]}
    both = {
        "honest": told,
        "command": "medgraft studies run rasa2024",
        "optimism": [gap | {"as_published": [0.85, 0.8, 0.9], "honest": [0.8, 0.7, 0.9]}],
    }
    text = page({"rasa2024": [both]})
    own = text.split("## [38] rasa2024")[1].split("\n## ")[0]
    for said in (
        "T: auroc, 50 rows, honest.",
        "| `m` | 0.800 [0.700, 0.900] | method |",
        "| `c` | 0.700 [0.600, 0.800] | control |",
        "2026-11-30",
        "optimism +0.050 [+0.000, +0.100]",
        "In place of the paper's networks: small.safetensors.",
        "accuracy 0.9996 (read in: abstract)",
        "Published by its authors, not ours",
        "A note.",
    ):
        assert said in own
    assert "We have not run it on real data." in text.split("## [48] alturki2024")[1]


def test_what_the_method_gains_over_a_linear_probe_is_told_and_counted_with_its_interval():
    told = account("rasa2024", "helps")
    assert "linear probe on frozen" not in balance([studies["rasa2024"]], {"rasa2024": [told]})
    told["experiments"][0]["probe"] = {
        "name": "linear-probe:source=x",
        "difference": -0.05,
        "ci": [-0.09, -0.01],
        "verdict": "harms",
    }
    text = balance([studies["rasa2024"]], {"rasa2024": [told]})
    assert "(1 studies), the method: better in 0, worse in 1, could not be told in 0." in text
    assert "| -0.050 [-0.090, -0.010] |" in text
    assert "Method less `linear-probe:source=x`: -0.050 [-0.090, -0.010]: worse." in page(
        {"rasa2024": [told]}
    )
