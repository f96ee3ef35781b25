"""The ground floor: errors and registries, which every other floor stands on."""

from medgraft.base.errors import MedgraftError, did_you_mean
from medgraft.base.registry import Registry, check_name

__all__ = ["MedgraftError", "Registry", "check_name", "did_you_mean"]
