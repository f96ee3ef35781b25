"""Is the probability right, and what to do when it is not."""

from medgraft.evidence.calibration.binned import ACE, MCE, OVERCONFIDENCE, ace, mce, overconfidence
from medgraft.evidence.calibration.brier import BrierParts, brier_decomposition
from medgraft.evidence.calibration.debiased import debiased_ece
from medgraft.evidence.calibration.part import calibration_part
from medgraft.evidence.calibration.prevalence import PriorShift, em_prevalence
from medgraft.evidence.calibration.recalibrator import Recalibrator
from medgraft.evidence.calibration.scaling import Platt, Temperature, VectorScaling
from medgraft.evidence.calibration.slope import LogisticCalibration, calibration_slope
from medgraft.evidence.calibration.smooth import SmoothError, ici, smooth_curve, smooth_error
from medgraft.evidence.calibration.steps import Isotonic, VennAbers

__all__ = [
    "ACE",
    "MCE",
    "OVERCONFIDENCE",
    "BrierParts",
    "Isotonic",
    "LogisticCalibration",
    "Platt",
    "PriorShift",
    "Recalibrator",
    "SmoothError",
    "Temperature",
    "VectorScaling",
    "VennAbers",
    "ace",
    "brier_decomposition",
    "calibration_part",
    "calibration_slope",
    "debiased_ece",
    "em_prevalence",
    "ici",
    "mce",
    "overconfidence",
    "smooth_curve",
    "smooth_error",
]
