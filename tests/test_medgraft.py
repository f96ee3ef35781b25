from __future__ import annotations

import subprocess
import sys

import pytest

import medgraft as mg


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_medgraft_imports_nothing_heavy():
    heavy = "torch,sklearn,pandas,numpy,matplotlib,lightning,timm"
    found = run(f"import sys, medgraft; print([m for m in '{heavy}'.split(',') if m in sys.modules])")
    assert found == "[]"


def test_help_imports_nothing_heavy():
    heavy = "torch,sklearn,pandas,numpy,matplotlib,lightning,timm"
    code = (
        "import sys\n"
        "sys.argv = ['medgraft', '--help']\n"
        "from medgraft.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert stop.code == 0\n"
        f"print([m for m in '{heavy}'.split(',') if m in sys.modules])"
    )
    assert run(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", mg.__all__)
def test_every_public_name_is_there(name):
    assert getattr(mg, name) is not None


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trail'"):
        _ = mg.trail
