"""One cache for all recipes of a session: the stand-in networks are trained once."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def studies_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("studies-cache")


@pytest.fixture(autouse=True)
def _own_cache(studies_cache, monkeypatch):
    """Take the place of the fixture of the same name that gives every test a cache of its own."""
    monkeypatch.setenv("MEDGRAFT_CACHE", str(studies_cache))
