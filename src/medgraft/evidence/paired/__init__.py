"""Two arms, or many, on the same patients: tests in closed form, families of arms, margins, sample sizes."""

from medgraft.evidence.paired.corrected_t import Posterior, corrected_t, correlated_bayes
from medgraft.evidence.paired.delong import delong_interval, delong_test
from medgraft.evidence.paired.difference import Difference
from medgraft.evidence.paired.family import Member, family
from medgraft.evidence.paired.holm import holm
from medgraft.evidence.paired.mcnemar import mcnemar
from medgraft.evidence.paired.noninferiority import NonInferiority, noninferiority
from medgraft.evidence.paired.paired_t import paired_t
from medgraft.evidence.paired.sample_size import Needed, sample_size

__all__ = [
    "Difference",
    "Member",
    "Needed",
    "NonInferiority",
    "Posterior",
    "corrected_t",
    "correlated_bayes",
    "delong_interval",
    "delong_test",
    "family",
    "holm",
    "mcnemar",
    "noninferiority",
    "paired_t",
    "sample_size",
]
