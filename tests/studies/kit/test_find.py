"""What a study runs on where nobody gave it data."""

from __future__ import annotations

from pathlib import Path

import pytest

from medgraft.base import MedgraftError
from medgraft.studies import studies
from medgraft.studies.kit import found


def test_an_open_set_that_cannot_be_fetched_leaves_the_ways_that_a_study_has(monkeypatch):
    def offline(name):
        raise MedgraftError(f"{name} cannot be reached.")

    monkeypatch.setattr(found, "fetch", offline)
    with pytest.raises(MedgraftError, match="ckd cannot be reached. Here: .* --data, or use --generated"):
        found.find(studies["alturki2024"], [], False, Path(), 0)


def test_an_open_set_is_fetched_where_none_is_given(monkeypatch, tmp_path):
    monkeypatch.setattr(found, "fetch", lambda name: tmp_path / name)
    assert found.find(studies["alturki2024"], [], False, tmp_path, 0).folders == {"ckd": tmp_path / "ckd"}
