from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_PATH = Path(__file__).with_name("server.py")


@pytest.fixture
def site(monkeypatch):
    """Return a server on this machine, with waits that a test can bear."""
    spec = importlib.util.spec_from_file_location("medgraft_test_server", _PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    monkeypatch.setattr("medgraft.cohort.public.download.WAIT", 0.01)
    for variable in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with module.serve() as running:
        yield running
