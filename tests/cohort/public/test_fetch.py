from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.public import PublicSet, Remote, data_folder, fetch, public_sets, read
from medgraft.cohort.public.lock import NAME

TABLE = b"age,ill\n" + b"".join(b"%d,%d\n" % (40 + i, i % 2) for i in range(30))


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, content in files.items():
            zipped.writestr(name.replace("__", "/"), content)
    return out.getvalue()


@pytest.fixture
def toy(site, monkeypatch):
    """Register a set of one table and one archive on the local server."""
    site.files["/t.csv"] = TABLE
    site.files["/i.zip"] = archive(set__images__a="a", set__images__b="b", set__about="x")
    entry = PublicSet(
        "toy",
        "A toy",
        "10.1/x",
        "CC0",
        (Remote(f"{site.url}/t.csv", "t.csv"), Remote(f"{site.url}/i.zip", "i.zip", unpack=True)),
        ("t.csv", "set/images/*"),
        data="t.csv",
        roles={"label": "ill"},
        home="https://example.org/toy",
    )
    public_sets._fill()
    monkeypatch.setitem(public_sets._entries, "toy", entry)
    return entry


def change(monkeypatch, entry, **values):
    monkeypatch.setitem(public_sets._entries, "toy", replace(entry, **values))


def test_files_are_downloaded_unpacked_and_locked_and_the_first_time_says_so(toy, site, tmp_path):
    said: list[str] = []
    place = fetch("toy", tmp_path, say=said.append)
    assert place == tmp_path / "toy" and (place / "t.csv").read_bytes() == TABLE
    assert sorted(p.name for p in (place / "set" / "images").iterdir()) == ["a", "b"]
    assert sorted(p.name for p in place.iterdir()) == [NAME, "set", "t.csv"], "the archive or a part was left"
    lock = json.loads((place / NAME).read_text())["files"]
    assert (
        lock["t.csv"]["sha256"] == hashlib.sha256(TABLE).hexdigest() and lock["t.csv"]["published"] is False
    )
    assert len(said) == 2 and "this first download is trusted" in said[0]


def test_a_second_fetch_asks_nobody(toy, site, tmp_path):
    fetch("toy", tmp_path, say=lambda s: None)
    before = len(site.asked)
    assert fetch("toy", tmp_path) == tmp_path / "toy" and len(site.asked) == before


def test_what_was_lost_or_altered_is_fetched_again_and_the_rest_is_not(toy, site, tmp_path):
    place = fetch("toy", tmp_path, say=lambda s: None)
    (place / "t.csv").write_bytes(b"altered")
    said: list[str] = []
    site.asked.clear()
    (place / "set" / "images" / "a").unlink()
    fetch("toy", tmp_path, say=said.append)
    assert (place / "t.csv").read_bytes() == TABLE and said == []
    assert "/t.csv" in [path for path, _ in site.asked]


def test_a_file_that_changes_after_the_first_download_is_refused(toy, site, tmp_path):
    place = fetch("toy", tmp_path, say=lambda s: None)
    site.files["/t.csv"] = TABLE.replace(b"40", b"41")
    with pytest.raises(
        MedgraftError, match=r"/t.csv' has changed since it was first downloaded.*delete the lock"
    ):
        fetch("toy", tmp_path, refresh=True)
    assert not (place / "t.csv").exists()
    site.files["/t.csv"] = TABLE
    fetch("toy", tmp_path)
    assert (place / "t.csv").read_bytes() == TABLE


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_published_checksum_is_compared_and_a_wrong_file_removed(
    toy, site, tmp_path, monkeypatch, algorithm
):
    right = {algorithm: hashlib.new(algorithm, TABLE).hexdigest().upper()}
    change(monkeypatch, toy, files=(Remote(f"{site.url}/t.csv", "t.csv", **right),), layout=("t.csv",))
    said: list[str] = []
    place = fetch("toy", tmp_path, say=said.append)
    assert said == [] and json.loads((place / NAME).read_text())["files"]["t.csv"]["published"] is True
    wrong = {algorithm: "0" * len(right[algorithm])}
    change(monkeypatch, toy, files=(Remote(f"{site.url}/t.csv", "t.csv", **wrong),), layout=("t.csv",))
    with pytest.raises(MedgraftError, match=r"is not the file that was published .*0000.*--local"):
        fetch("toy", tmp_path / "new")
    assert not (tmp_path / "new" / "toy" / "t.csv").exists()


def test_an_archive_that_holds_something_else_is_told(toy, site, tmp_path):
    site.files["/i.zip"] = archive(other="x")
    with pytest.raises(
        MedgraftError, match=r"no complete copy of 'toy': it has no 'set/images/\*'.*example.org"
    ):
        fetch("toy", tmp_path, say=lambda s: None)


def test_a_cut_while_unpacking_does_not_download_again(toy, site, tmp_path, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(
            "medgraft.cohort.public.unpack._extract", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            fetch("toy", tmp_path, say=lambda s: None)
    site.asked.clear()
    assert (fetch("toy", tmp_path) / "set" / "images" / "a").exists() and site.asked == []


def test_a_restricted_licence_must_be_accepted(toy, tmp_path, monkeypatch):
    change(monkeypatch, toy, restricted=True, licence="research only")
    with pytest.raises(MedgraftError, match=r"research only.*--accept-licence"):
        fetch("toy", tmp_path)
    assert not (tmp_path / "toy").exists()
    assert fetch("toy", tmp_path, accept_licence=True, say=lambda s: None).exists()


def test_a_local_folder_is_used_where_it_is_and_an_archive_is_unpacked(toy, site, tmp_path):
    mine = tmp_path / "mine"
    (mine / "deeper" / "set" / "images").mkdir(parents=True)
    (mine / "deeper" / "set" / "images" / "a").write_bytes(b"a")
    (mine / "deeper" / "t.csv").write_bytes(TABLE)
    assert fetch("toy", tmp_path / "data", local=mine) == mine
    (tmp_path / "copy.zip").write_bytes(archive(set__images__a=b"a", t_csv=b"x").replace(b"t_csv", b"t.csv"))
    assert fetch("toy", tmp_path / "data", local=tmp_path / "copy.zip") == tmp_path / "data" / "toy"
    assert site.asked == []
    (mine / "deeper" / "t.csv").unlink()
    with pytest.raises(MedgraftError, match=r"mine' is no complete copy of 'toy': it has no 't.csv'"):
        fetch("toy", local=mine)
    with pytest.raises(MedgraftError, match="does not exist"):
        fetch("toy", local=tmp_path / "nowhere")


def test_an_unknown_name_is_told_with_the_nearest(tmp_path):
    with pytest.raises(MedgraftError, match="Did you mean 'ham10000'"):
        fetch("ham1000", tmp_path)


def test_reading_fetches_and_knows_the_roles(toy, tmp_path):
    cohort = read("toy", folder=tmp_path, say=lambda s: None)
    assert cohort.name == "toy" and cohort.n == 30 and cohort.label == "ill" and cohort.features == ("age",)
    assert read("toy", folder=tmp_path, label="age").label == "age"


def test_checksums_inside_a_physionet_archive_are_compared(toy, site, tmp_path):
    good = hashlib.sha256(b"record").hexdigest()
    site.files["/i.zip"] = archive(
        set__images__a=b"record", set__SHA256SUMS_txt=f"{good} images/a\n".encode()
    ).replace(b"SHA256SUMS_txt", b"SHA256SUMS.txt")
    assert fetch("toy", tmp_path / "1", say=lambda s: None).exists()
    site.files["/i.zip"] = archive(
        set__images__a=b"recorD", set__SHA256SUMS_txt=f"{good} images/a\n".encode()
    ).replace(b"SHA256SUMS_txt", b"SHA256SUMS.txt")
    with pytest.raises(MedgraftError, match=r"images/a' is not as its list"):
        fetch("toy", tmp_path / "2", say=lambda s: None)


def test_data_lie_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDGRAFT_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("MEDGRAFT_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "x"))
    assert data_folder() == tmp_path / "x" / "medgraft" / "data"
