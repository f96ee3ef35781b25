"""medgraft: transfer learning for small clinical cohorts, with proof that it helped.

The whole public interface is a handful of nouns, loaded when first asked for::

    import medgraft as mg

    cohort = mg.read("heart.csv", label="disease", domain="site")
    result = mg.Trial(cohort, target="va", labels_per_class=10, repeats=10).run("out")
    print(result)
    mg.write_report("out")
    result.graft.predict("new_patients.csv")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from medgraft.base import MedgraftError
    from medgraft.cohort import Cohort, read
    from medgraft.cohort.audit import audit
    from medgraft.graft import Graft, load
    from medgraft.methods import rank_sources
    from medgraft.report import build as write_report
    from medgraft.sources import Pretrained, source
    from medgraft.trial import Arm, Result, Trial, arm

# Name -> (module, attribute). Imported at first use: torch and scikit-learn take seconds to load.
_PUBLIC = {
    "Arm": ("medgraft.trial", "Arm"),
    "Cohort": ("medgraft.cohort", "Cohort"),
    "Graft": ("medgraft.graft", "Graft"),
    "MedgraftError": ("medgraft.base", "MedgraftError"),
    "Pretrained": ("medgraft.sources", "Pretrained"),
    "Result": ("medgraft.trial", "Result"),
    "Trial": ("medgraft.trial", "Trial"),
    "arm": ("medgraft.trial", "arm"),
    "audit": ("medgraft.cohort.audit", "audit"),
    "load": ("medgraft.graft", "load"),
    "rank_sources": ("medgraft.methods", "rank_sources"),
    "read": ("medgraft.cohort", "read"),
    "write_report": ("medgraft.report", "build"),
    "source": ("medgraft.sources", "source"),
}

__all__ = [
    "Arm",
    "Cohort",
    "Graft",
    "MedgraftError",
    "Pretrained",
    "Result",
    "Trial",
    "arm",
    "audit",
    "load",
    "rank_sources",
    "read",
    "source",
    "write_report",
]


# Registries are packages that can be looked up by name: ``mg.methods["ulsif"]``.
_REGISTRIES = ("methods", "sources", "studies")


def __getattr__(name: str) -> Any:
    if name in _REGISTRIES:
        return importlib.import_module(f"medgraft.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medgraft' has no attribute '{name}'")
    module, attribute = _PUBLIC[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC, *_REGISTRIES])
