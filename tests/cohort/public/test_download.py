from __future__ import annotations

import random
import socket

import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.public.download import download

DATA = random.Random(0).randbytes(3_000_000)


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_downloaded_and_nothing_else_is_left(site, tmp_path):
    site.files["/a"] = DATA
    seen: list[tuple[int, int | None]] = []
    download(f"{site.url}/a", tmp_path / "in" / "a", progress=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "in" / "a").read_bytes() == DATA and leftovers(tmp_path / "in") == ["a"]
    assert seen[-1] == (len(DATA), len(DATA)) and seen == sorted(seen)


def test_a_cut_line_goes_on_where_it_stopped(site, tmp_path):
    site.files["/a"], site.etags["/a"], site.cuts["/a"] = DATA, '"v1"', [1_000_000, 500_000]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert site.ranges_of("/a") == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_later_run_goes_on_where_an_earlier_one_stopped(site, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.download.TRIES", 2)
    site.files["/a"], site.etags["/a"], site.cuts["/a"] = DATA, '"v1"', [2_000_000]
    site.statuses["/a"] = [200, 503, 503]
    with pytest.raises(MedgraftError, match=r"/a' could not be downloaded .*HTTP 503.*--local"):
        download(f"{site.url}/a", tmp_path / "a")
    assert not (tmp_path / "a").exists() and (tmp_path / "a.part").stat().st_size == 2_000_000
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA and site.ranges_of("/a")[-1] == "bytes=2000000-"


def test_a_server_without_ranges_is_asked_for_the_whole_again(site, tmp_path):
    site.files["/a"], site.cuts["/a"], site.ranges = DATA, [1_000_000], False
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("tagged", [True, False])
def test_a_file_that_changed_meanwhile_is_not_glued_together(site, tmp_path, monkeypatch, tagged):
    monkeypatch.setattr("medgraft.cohort.public.download.TRIES", 1)
    site.files["/a"], site.cuts["/a"], site.statuses["/a"] = DATA, [1_000_000], [200, 500]
    if tagged:
        site.etags["/a"] = '"v1"'
    with pytest.raises(MedgraftError):
        download(f"{site.url}/a", tmp_path / "a")
    other = DATA[::-1] if tagged else DATA[::-1] + b"!"  # without a tag only the size can tell
    site.files["/a"] = other
    if tagged:
        site.etags["/a"] = '"v2"'
    monkeypatch.setattr("medgraft.cohort.public.download.TRIES", 5)
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == other


def test_a_part_of_another_address_is_not_continued(site, tmp_path):
    site.files["/b"] = DATA
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    (tmp_path / "a.part.json").write_text('{"url": "http://elsewhere/a", "total": 5}')
    download(f"{site.url}/b", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA and site.ranges_of("/b") == [None]


def test_a_server_that_lies_about_ranges_is_given_up(site, tmp_path):
    site.files["/a"], site.cuts["/a"], site.lies = DATA, [1000] * 50, "bytes 7-9/10"
    with pytest.raises(MedgraftError, match="does not continue"):
        download(f"{site.url}/a", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_an_answer_without_a_length_is_read_to_its_end_and_a_cut_one_again(site, tmp_path):
    site.files["/a"], site.chunked, site.cuts["/a"] = DATA, True, [1_000_000]
    site.etags["/a"] = '"v1"'
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize(
    ("code", "told"), [(404, "nothing is there"), (403, "accept its terms"), (401, "account")]
)
def test_a_refusal_is_told_at_once(site, tmp_path, code, told):
    site.files["/a"], site.statuses["/a"] = DATA, [code] * 9
    with pytest.raises(MedgraftError, match=rf"'{site.url}/a' .*{told}.*HTTP {code}"):
        download(f"{site.url}/a", tmp_path / "a")
    assert len(site.asked) == 1 and leftovers(tmp_path) == []


def test_a_passing_fault_is_outlived(site, tmp_path):
    site.files["/a"], site.statuses["/a"] = DATA, [503, 429, 500]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_silence_ends_a_try_but_not_the_download(site, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.download.TIMEOUT", 0.3)
    site.files["/a"], site.etags["/a"], site.pauses["/a"] = DATA, '"v1"', [1.0]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA and len(site.asked) == 2


def test_a_slow_server_is_waited_for(site, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.download.TIMEOUT", 5.0)
    site.files["/a"], site.pauses["/a"] = DATA, [0.5]
    download(f"{site.url}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA and len(site.asked) == 1


def test_a_redirect_is_followed_and_the_key_stays_with_the_first_server(site, tmp_path):
    site.files["/b"], site.redirects["/a"] = DATA, f"{site.url}/b"
    download(f"{site.url}/a", tmp_path / "a", authorization="Basic c2VjcmV0")
    assert (tmp_path / "a").read_bytes() == DATA
    sent = [(path, headers.get("authorization")) for path, headers in site.asked]
    assert sent == [("/a", "Basic c2VjcmV0"), ("/b", None)]


def test_a_redirect_out_of_the_web_is_not_followed(site, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    for to in (f"file://{secret}", "ftp://127.0.0.1/x"):
        site.redirects["/a"] = to
        with pytest.raises(MedgraftError, match="could not be downloaded"):
            download(f"{site.url}/a", tmp_path / "a")
    assert leftovers(tmp_path) == ["secret"]
    with pytest.raises(MedgraftError, match="no address"):
        download(f"file://{secret}", tmp_path / "a")


def test_nobody_there_ends_in_a_sentence_with_the_address(tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.public.download.WAIT", 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
    with pytest.raises(MedgraftError, match=rf"'{url}' could not be downloaded .*refused.*--local"):
        download(url, tmp_path / "a")


def test_another_size_than_expected_is_refused_and_not_kept(site, tmp_path):
    site.files["/a"] = b"<html>please log in</html>"
    with pytest.raises(MedgraftError, match="26 bytes where 3,000,000 are expected"):
        download(f"{site.url}/a", tmp_path / "a", size=3_000_000)
    assert leftovers(tmp_path) == []


def test_a_file_that_does_not_fit_is_not_begun(site, tmp_path, monkeypatch):
    site.files["/a"] = DATA
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(MedgraftError, match="do not fit on the disk"):
        download(f"{site.url}/a", tmp_path / "a")
