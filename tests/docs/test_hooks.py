from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from medgraft.cohort.formats import formats
from medgraft.methods.learners import learners
from medgraft.methods.prepare import steps
from medgraft.methods.registry import entries
from medgraft.sources.registry import networks

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    ("methods.md", entries),
    ("methods.md", steps),
    ("methods.md", learners),
    ("sources.md", networks),
    ("formats.md", formats),
]


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("medgraft_docs_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("page", "registry"), PAGES)
def test_every_registered_name_has_exactly_one_row(hooks, page, registry):
    shown = hooks.on_page_markdown((DOCS / page).read_text())
    assert "<!--" not in shown
    for name in registry:
        assert shown.count(f"| `{getattr(registry[name], 'name', name)}` |") == 1


def test_every_row_has_as_many_cells_as_its_table_has_heads(hooks):
    for text in (hooks.methods(), hooks.steps(), hooks.learners(), hooks.networks(), hooks.formats()):
        widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")}
        assert len(widths) == 1


def test_a_bar_in_a_cell_does_not_end_it_and_a_doi_becomes_a_link(hooks):
    assert hooks._cell("a | b\nc") == "a \\| b c"
    shown = hooks._papers(["Owen 2007, doi:10.1214/07-AOAS122", "Raghu 2019, arXiv:1902.07208"])
    assert "(<https://doi.org/10.1214/07-AOAS122>)" in shown and "https://arxiv.org/abs/1902.07208" in shown
