from __future__ import annotations

import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort.public.unpack import unpack


def zipped(path, files: dict[str, bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files: dict[str, bytes], links: dict[str, str] | None = None, kind=tarfile.SYMTYPE):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, to in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            archive.addfile(info)
    return path


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


FILES = {"set/a.txt": b"a", "set/deep/b.txt": b"b" * 5000, "top.csv": b"1,2"}


@pytest.mark.parametrize("make", [zipped, tarred])
def test_files_keep_their_places(make, tmp_path):
    archive = make(tmp_path / "x", {**FILES, "__MACOSX/set/._a.txt": b"junk"})
    made = unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == FILES and [p.name for p in made] == ["set", "top.csv"]


def test_archives_inside_are_unpacked_beside_themselves_if_asked(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"m/1.mat": b"one"}).read_bytes()
    archive = zipped(tmp_path / "outer.zip", {"parts/inner.zip": inner, "readme": b"r"})
    unpack(archive, tmp_path / "plain")
    assert set(tree(tmp_path / "plain")) == {"parts/inner.zip", "readme"}
    unpack(archive, tmp_path / "deep", nested=True)
    assert tree(tmp_path / "deep") == {"parts/m/1.mat": b"one", "readme": b"r"}


def test_what_was_there_before_is_replaced_as_a_whole(tmp_path):
    unpack(zipped(tmp_path / "1.zip", {"set/old": b"1", "set/both": b"1"}), tmp_path / "out")
    unpack(zipped(tmp_path / "2.zip", {"set/both": b"2"}), tmp_path / "out")
    assert tree(tmp_path / "out") == {"set/both": b"2"}


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "a/b/../../../evil"]
)
def test_nothing_is_written_outside_and_nothing_is_left(make, name, tmp_path):
    archive = make(tmp_path / "bad", {"ok.txt": b"ok", name: b"evil"})
    with pytest.raises(MedgraftError, match="outside its folder") as caught:
        unpack(archive, tmp_path / "in" / "out")
    assert "bad" in str(caught.value) and tree(tmp_path / "in") == {}
    assert not (tmp_path / "evil").exists() and not (tmp_path / "in" / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("to", ["/etc/passwd", "../../outside"])
def test_links_that_lead_out_are_refused(kind, to, tmp_path):
    archive = tarred(tmp_path / "bad.tar.gz", {"set/a": b"a"}, {"set/link": to}, kind)
    with pytest.raises(MedgraftError, match="link out of its folder"):
        unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_a_file_through_a_link_and_links_inside_make_nothing_else(tmp_path):
    archive = tarred(tmp_path / "x.tar.gz", {"set/a": b"a"}, {"set/link": "a", "set/up": "../set"})
    unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"set/a": b"a"}
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_symlink()]


def test_a_link_in_a_zip_that_leads_out_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "../../etc/passwd")
    with pytest.raises(MedgraftError, match="link out of its folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "out")


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_bomb_is_stopped(make, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.unpack.MAX_UNPACKED", 2**20)
    archive = make(tmp_path / "bomb", {"zeros": bytes(2**24)})
    with pytest.raises(MedgraftError, match=r"bomb' unpacks to more than"):
        unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_a_bomb_inside_an_archive_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.unpack.MAX_UNPACKED", 2**20)
    inner = zipped(tmp_path / "inner.zip", {"zeros": bytes(2**24)}).read_bytes()
    with pytest.raises(MedgraftError, match="unpacks to more than"):
        unpack(zipped(tmp_path / "bomb.zip", {"inner.zip": inner}), tmp_path / "out", nested=True)
    assert tree(tmp_path / "out") == {}


def test_an_archive_that_does_not_fit_is_stopped(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "x.zip", {"a": bytes(5000)})
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(MedgraftError, match="no room"):
        unpack(archive, tmp_path / "out")


def test_a_page_that_asks_to_log_in_is_no_archive(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"<html>log in</html>")
    with pytest.raises(MedgraftError, match="asks to log in"):
        unpack(tmp_path / "x.zip", tmp_path / "out")


@settings(
    max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), make=st.sampled_from([zipped, tarred]))
def test_a_damaged_archive_ends_in_a_sentence_or_is_whole(tmp_path_factory, data, make):
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(make(folder / "x", FILES).read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "damaged").write_bytes(content)
    try:
        unpack(folder / "damaged", folder / "out")
    except MedgraftError as error:
        assert "damaged" in str(error) and tree(folder / "out") == {}
    else:
        assert tree(folder / "out")
