"""Patients' names in what is written: a keyed hash in their place."""

from __future__ import annotations

import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from medgraft.base import MedgraftError
from medgraft.cohort.labels import name as label_of


def pseudonym(name: object) -> str:
    """Return what stands for a patient in everything that is written: twelve hexadecimal digits.

    It is the start of an HMAC-SHA-256 of the name under the project's salt. The same patient has the same
    pseudonym in all runs of a project, so that runs can be joined; without the salt nobody can try names
    until one fits. The salt is made at the first use and lies in the user's own folder, never beside results.

    Parameters
    ----------
    name : object
        The patient's identifier; 7, 7.0 and "7" are one person, as everywhere in medgraft.

    Raises
    ------
    MedgraftError
        The salt can be neither read nor written.

    Notes
    -----
    The project is the environment variable ``MEDGRAFT_PROJECT`` (default ``default``), and the folder of
    salts ``MEDGRAFT_HOME`` (default ``~/.local/share/medgraft``). Twelve digits are 48 bits: of 10,000
    patients two share a pseudonym with a chance of 2 in 10 million.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     os.environ["MEDGRAFT_HOME"] = home
    ...     pseudonym("Ada") == pseudonym("Ada"), pseudonym("Ada") == pseudonym("Bob"), len(pseudonym("Ada"))
    (True, False, 12)
    >>> del os.environ["MEDGRAFT_HOME"]
    """
    home = Path(os.environ.get("MEDGRAFT_HOME") or Path.home() / ".local" / "share" / "medgraft")
    project = os.environ.get("MEDGRAFT_PROJECT") or "default"
    if Path(project).name != project or project in (".", ".."):
        raise MedgraftError(f"MEDGRAFT_PROJECT='{project}' is no plain name.")
    return hmac.digest(_salt(home / "salts" / project), label_of(name).encode(), "sha256").hex()[:12]


@lru_cache(maxsize=8)
def _salt(path: Path) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
        except FileExistsError:
            pass
        salt = path.read_bytes()
    except OSError as error:
        raise MedgraftError(
            f"The salt of patients' pseudonyms, '{path}', can be neither read nor written "
            f"({error.strerror}): set MEDGRAFT_HOME to a folder of your own."
        ) from error
    if len(salt) < 32:
        raise MedgraftError(f"The salt of patients' pseudonyms, '{path}', is damaged: remove it.")
    return salt
