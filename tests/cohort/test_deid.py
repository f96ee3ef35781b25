from __future__ import annotations

import stat

import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.deid import pseudonym


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_another_project_has_another_salt_and_so_other_pseudonyms(home, monkeypatch):
    here = pseudonym("Ada")
    monkeypatch.setenv("MEDGRAFT_PROJECT", "other")
    assert pseudonym("Ada") != here
    monkeypatch.delenv("MEDGRAFT_PROJECT")
    assert pseudonym("Ada") == here


def test_only_the_user_can_read_the_salt(home):
    pseudonym("Ada")
    mode = (home / "salts" / "default").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_damaged_salt_or_a_project_that_is_a_path_is_an_error(home, monkeypatch):
    (home / "salts").mkdir(parents=True)
    (home / "salts" / "default").write_bytes(b"short")
    with pytest.raises(MedgraftError, match="is damaged"):
        pseudonym("Ada")
    monkeypatch.setenv("MEDGRAFT_PROJECT", "../elsewhere")
    with pytest.raises(MedgraftError, match="no plain name"):
        pseudonym("Ada")


def test_thousands_of_patients_have_pseudonyms_of_their_own(home):
    assert len({pseudonym(i) for i in range(5000)}) == 5000
