"""docs/studies.md is what the cards and the recorded runs say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from medgraft.studies.kit.page import page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_the_studies_is_up_to_date():
    spec = importlib.util.spec_from_file_location("write_studies", DOCS / "write_studies.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "studies.md").read_text() == page(module.recorded(DOCS / "figures")), (
        "run: python docs/write_studies.py"
    )
