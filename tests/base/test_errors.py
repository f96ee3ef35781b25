from __future__ import annotations

from medgraft.base import did_you_mean


def test_the_nearest_option_is_offered_whatever_its_case():
    assert did_you_mean("Label", ["label", "site"]) == " Did you mean 'label'?"


def test_nothing_is_offered_when_nothing_is_near():
    assert did_you_mean("zzz", ["label", "site"]) == ""
    assert did_you_mean("label", []) == ""
