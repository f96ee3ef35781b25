"""What happened, from arrays alone: metrics, intervals, verdicts, calibration and the guard."""

from medgraft.evidence.calibrate import ece, reliability
from medgraft.evidence.compare import Comparison, compare
from medgraft.evidence.guard import Choice, choose
from medgraft.evidence.interval import Interval, interval
from medgraft.evidence.metrics.base import Metric, as_metric, default_metric
from medgraft.evidence.scores import Scores
from medgraft.evidence.unlabelled import choose_unlabelled, effective_patients, too_few
from medgraft.evidence.verdict import sentence

__all__ = [
    "Choice",
    "Comparison",
    "Interval",
    "Metric",
    "Scores",
    "as_metric",
    "choose",
    "choose_unlabelled",
    "compare",
    "default_metric",
    "ece",
    "effective_patients",
    "interval",
    "reliability",
    "sentence",
    "too_few",
]
