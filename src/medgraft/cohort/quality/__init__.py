"""Image quality: steps from array to array, and a cohort without the images that teach nothing.

Every step is a function of one image, of shape (h, w) or (h, w, 3) and of uint8, uint16, float32 or
float64; it never changes its input and returns the same dtype. Nothing is learnt from other images::

    from medgraft.cohort import quality

    better = quality.clahe(image, clip=0.02)
    images, report = quality.Steps.parse("crop_border,clahe:clip=0.02,tiles=4").apply(images)
    cohort, report = quality.drop(cohort)
"""

from medgraft.cohort.quality.artefacts import hair, highlights, remove_hair, remove_highlights
from medgraft.cohort.quality.box import Box
from medgraft.cohort.quality.cohort import drop
from medgraft.cohort.quality.contrast import clahe, percentile_stretch
from medgraft.cohort.quality.duplicates import difference_hash, drop_duplicates
from medgraft.cohort.quality.fill import fill
from medgraft.cohort.quality.frames import crop_border, crop_fundus, find_border, find_fundus
from medgraft.cohort.quality.noise import median, noise_level, wiener
from medgraft.cohort.quality.organs import crop_brain, crop_lungs, find_brain, find_lungs
from medgraft.cohort.quality.registry import Step, by_name
from medgraft.cohort.quality.report import Report
from medgraft.cohort.quality.steps import Steps

__all__ = [
    "Box",
    "Report",
    "Step",
    "Steps",
    "by_name",
    "clahe",
    "crop_border",
    "crop_brain",
    "crop_fundus",
    "crop_lungs",
    "difference_hash",
    "drop",
    "drop_duplicates",
    "fill",
    "find_border",
    "find_brain",
    "find_fundus",
    "find_lungs",
    "hair",
    "highlights",
    "median",
    "noise_level",
    "percentile_stretch",
    "remove_hair",
    "remove_highlights",
    "wiener",
]
