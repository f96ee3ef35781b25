"""Radiomics: hand-made features of an image or volume, which learn nothing from the data."""

from medgraft.sources.radiomics.rows import radiomic_rows
from medgraft.sources.radiomics.source import Radiomics

__all__ = ["Radiomics", "radiomic_rows"]
