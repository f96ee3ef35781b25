from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.public import PublicSet, Remote, fetch, public_sets
from medgraft.cohort.public.kaggle import credentials

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    for variable in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "kaggle"))


def account(tmp_path, content=None):
    (tmp_path / "kaggle").mkdir()
    text = json.dumps({"username": "ada", "key": KEY}) if content is None else content
    (tmp_path / "kaggle" / "kaggle.json").write_text(text)


def test_credentials_come_from_the_environment_or_from_kaggle_json(monkeypatch, tmp_path):
    account(tmp_path)
    assert base64.b64decode(credentials("x").removeprefix("Basic ")).decode() == f"ada:{KEY}"
    monkeypatch.setenv("KAGGLE_USERNAME", "eve")
    monkeypatch.setenv("KAGGLE_KEY", "k")
    assert base64.b64decode(credentials("x").removeprefix("Basic ")).decode() == "eve:k"


def test_without_an_account_the_sentence_says_how_to_get_one(tmp_path):
    with pytest.raises(MedgraftError, match=r"'brain_tumour_mri' is on Kaggle.*kaggle\.json.*--local"):
        fetch("brain_tumour_mri", tmp_path, accept_licence=True)
    assert not (tmp_path / "brain_tumour_mri").exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"username": "ada"', f'{{"username": "ada", "kye": "{KEY}"}}']
)
def test_a_damaged_kaggle_json_is_told_without_showing_it(content, tmp_path):
    account(tmp_path, content)
    with pytest.raises(MedgraftError, match=r"kaggle\.json' holds no Kaggle credentials") as caught:
        credentials("x")
    assert KEY not in str(caught.value) and caught.value.__cause__ is None


def test_the_key_goes_to_kaggle_only_and_is_written_nowhere(site, tmp_path, monkeypatch, capfd):
    account(tmp_path)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("train/a.txt", "a")
    site.files["/signed"], site.redirects["/kaggle"] = out.getvalue(), f"{site.url}/signed"
    site.files["/other.csv"] = b"x"
    monkeypatch.setattr("medgraft.cohort.public.fetching.HOST", f"{site.url}/kaggle")
    monkeypatch.setattr(PublicSet, "kaggle", True)
    public_sets._fill()
    files = (Remote(f"{site.url}/kaggle", "k.zip", unpack=True), Remote(f"{site.url}/other.csv", "other.csv"))
    monkeypatch.setitem(public_sets._entries, "toy", PublicSet("toy", "", "", "", files, ("train/*",)))
    place = fetch("toy", tmp_path / "data")
    got = {path: headers.get("authorization") for path, headers in site.asked}
    assert got["/kaggle"].startswith("Basic ") and got["/signed"] is None and got["/other.csv"] is None
    secrets = (KEY, got["/kaggle"].removeprefix("Basic "))
    written = "".join(p.read_text() for p in place.rglob("*") if p.is_file()) + "".join(capfd.readouterr())
    assert not any(secret in written for secret in secrets)
    del site.redirects["/kaggle"]
    site.files["/kaggle"], site.statuses["/kaggle"] = b"x", [403]
    with pytest.raises(MedgraftError, match="HTTP 403") as caught:
        fetch("toy", tmp_path / "data", refresh=True)
    assert not any(secret in str(caught.value) for secret in secrets)
