"""The user's own Kaggle account; its key is sent to Kaggle alone and never printed or stored."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from medgraft.base import MedgraftError

HOST = "https://www.kaggle.com/"
_HOW = (
    "make a key at https://www.kaggle.com/settings (Create New Token) and put the kaggle.json it gives into "
    "~/.kaggle, or set KAGGLE_USERNAME and KAGGLE_KEY; or download the set in a browser and give it with "
    "--local"
)


def dataset(owner_and_name: str) -> str:
    """Return the address of a Kaggle data set's archive."""
    return f"{HOST}api/v1/datasets/download/{owner_and_name}"


def competition(name: str) -> str:
    """Return the address of a competition's archive; its rules must have been accepted on its page."""
    return f"{HOST}api/v1/competitions/data/download-all/{name}"


def credentials(name: str) -> str:
    """Return the value of the Authorization header.

    Parameters
    ----------
    name : str
        The data set, for the message.

    Raises
    ------
    MedgraftError
        There are no credentials, or kaggle.json is damaged.
    """
    user, key = os.environ.get("KAGGLE_USERNAME", ""), os.environ.get("KAGGLE_KEY", "")
    if not (user and key):
        folder = os.environ.get("KAGGLE_CONFIG_DIR")
        path = (Path(folder) if folder else Path.home() / ".kaggle") / "kaggle.json"
        if not path.is_file():
            raise MedgraftError(f"'{name}' is on Kaggle, which needs an account: {_HOW}.")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            user, key = str(content["username"]), str(content["key"])
        except (OSError, ValueError, KeyError, TypeError):
            # No cause: it would show what the file holds.
            raise MedgraftError(f"'{path}' holds no Kaggle credentials: {_HOW}.") from None
    return "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()
