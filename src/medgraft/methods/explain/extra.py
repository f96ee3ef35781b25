"""Libraries that only explanations need."""

from __future__ import annotations

import importlib
from typing import Any

from medgraft.base import MedgraftError


def needed(module: str) -> Any:
    """Import a module of the extra ``explain``.

    Raises
    ------
    MedgraftError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        raise MedgraftError(
            f"This explanation needs {name}, which is not installed: pip install 'medgraft[explain]'."
        ) from error
