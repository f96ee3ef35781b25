"""A searched method stands against a control with the same search, whatever the recipe."""

from __future__ import annotations

import inspect

import pytest

from medgraft.studies import studies
from medgraft.studies.kit.fair import UNSEARCHED, control
from medgraft.studies.kit.found import Found
from medgraft.studies.kit.run import Run
from planned import planned

# A search is asked for by name: whatever else a recipe does, it need not be planned (some train before).
SEARCHING = [
    key
    for key in studies
    if any(sign in inspect.getsource(inspect.getmodule(studies[key].recipe)) for sign in ("+tuned", '"tuned'))
]


def search(arm):
    return arm.partition("+tuned")[2]


@pytest.mark.parametrize("key", SEARCHING)
def test_honestly_a_searched_method_is_compared_with_a_control_that_has_the_same_search(
    key, tmp_path, monkeypatch
):
    monkeypatch.setattr(f"medgraft.studies.{key}.overfitting", lambda *given: None, raising=False)
    beside = []
    plans = planned(key, tmp_path, monkeypatch, beside=beside)
    searched = [plan for plan in plans if "+tuned" in plan.method]
    assert searched, "no method is searched: this test says nothing"
    for plan in searched:
        trial = plan.trial()
        other = next(a for a in trial.arms if a.name == trial.control)
        assert other.entry.role == "control" and "unfreeze" not in other.settings
        assert search(plan.method) == search(other.name) != ""
    for method, other in beside:
        assert search(method) == search(other)


def test_as_published_the_control_has_no_search_and_the_output_says_so(tmp_path):
    given = Found("generated", "", {}, {})
    for protocol, name, notes in (("honest", "searched", []), ("as_published", "plain", [UNSEARCHED])):
        run = Run(studies["raza2024"], given, tmp_path, protocol)
        assert control(run, "searched", "plain") == name
        assert run.notes == notes
