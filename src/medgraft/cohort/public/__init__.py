"""Public data sets by name: fetched, checked, unpacked and read."""

from medgraft.cohort.public.entry import PublicSet, Remote, public_sets
from medgraft.cohort.public.fetching import data_folder, fetch
from medgraft.cohort.public.reading import read

__all__ = ["PublicSet", "Remote", "data_folder", "fetch", "public_sets", "read"]
