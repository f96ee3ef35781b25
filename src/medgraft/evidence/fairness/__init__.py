"""Whom a model serves less well: figures by subgroup, gaps, parity, and what transfer changes."""

from medgraft.evidence.fairness.cells import Cell, cells
from medgraft.evidence.fairness.change import SubgroupChange, gains_by_subgroup
from medgraft.evidence.fairness.gap import Gap
from medgraft.evidence.fairness.parity import Parity, parity
from medgraft.evidence.fairness.report import SubgroupReport, subgroup_report
from medgraft.evidence.fairness.thresholds import GroupThresholds, choose_group_thresholds
from medgraft.evidence.fairness.widening import GapChange, gap_change

__all__ = [
    "Cell",
    "Gap",
    "GapChange",
    "GroupThresholds",
    "Parity",
    "SubgroupChange",
    "SubgroupReport",
    "cells",
    "choose_group_thresholds",
    "gains_by_subgroup",
    "gap_change",
    "parity",
    "subgroup_report",
]
