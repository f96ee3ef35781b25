"""Sets and intervals that hold the truth as often as promised."""

from medgraft.evidence.conformal.coverage import clopper_pearson, coverage, covered
from medgraft.evidence.conformal.cross import cv_plus, cv_plus_sets
from medgraft.evidence.conformal.intervals import ConformalIntervals
from medgraft.evidence.conformal.quantile import coverage_range, patients_needed
from medgraft.evidence.conformal.sets import ConformalSets

__all__ = [
    "ConformalIntervals",
    "ConformalSets",
    "clopper_pearson",
    "coverage",
    "coverage_range",
    "covered",
    "cv_plus",
    "cv_plus_sets",
    "patients_needed",
]
