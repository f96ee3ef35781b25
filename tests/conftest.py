"""Where the real patients' data lies, when it lies anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MEDGRAFT_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_data():
    """Return a function: folder name -> path of real data, or skip with the reason."""

    def find(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"real data '{name}' is not on this machine (set MEDGRAFT_SHARED)")
        return path

    return find


@pytest.fixture(scope="session")
def shared_weights():
    """Return a function: file name -> path of real weights, or skip with the reason."""

    def find(name: str) -> Path:
        path = SHARED / "weights" / name
        if not path.exists():
            pytest.skip(f"real weights '{name}' are not on this machine (set MEDGRAFT_SHARED)")
        return path

    return find


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Keep every test's features out of the user's cache."""
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path_factory.mktemp("cache")))
