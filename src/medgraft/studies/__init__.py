"""The forty studies of the review, each as a recipe that runs: ``mg.studies["rasa2024"].run("out", ...)``.

Every module here is one study, named by its key; what they share lies in `kit`.
"""

from __future__ import annotations

from medgraft.base.lookup import lookup
from medgraft.studies.kit.card import Fact, Published, Study, studies

__all__ = ["Fact", "Published", "Study", "studies"]

lookup(__name__, studies, lambda entry: entry)
