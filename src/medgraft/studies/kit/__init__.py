"""What recipes of studies are made of: the card, the run, data, networks, leaks, and the account of a run."""

from medgraft.studies.kit.card import Fact, Published, Study, study
from medgraft.studies.kit.run import Run

REGISTERS = False

__all__ = ["Fact", "Published", "Run", "Study", "study"]
