"""Who the patients are: cohorts, the readers that make them, and how they are split."""

from medgraft.cohort.append import append
from medgraft.cohort.cohort import TASKS, Cohort
from medgraft.cohort.images import check_images, decode_image
from medgraft.cohort.read import read
from medgraft.cohort.split import domain_splits, external_splits, kfold_splits
from medgraft.cohort.splits import Split, Splits
from medgraft.cohort.time import time_splits

__all__ = [
    "TASKS",
    "Cohort",
    "Split",
    "Splits",
    "append",
    "check_images",
    "decode_image",
    "domain_splits",
    "external_splits",
    "kfold_splits",
    "read",
    "time_splits",
]
