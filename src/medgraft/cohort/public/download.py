"""One file over HTTP, however often the line is cut."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError

Tell = Callable[[int, int | None], None]
TIMEOUT = 30.0  # seconds of silence
TRIES = 5  # in a row without a single new byte
WAIT = 1.0  # seconds before the second try; doubled each time
_BLOCK = 2**20
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects over HTTP only, and never from an encrypted address to an open one."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        old, new = urllib.parse.urlsplit(req.full_url).scheme, urllib.parse.urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise _Refused(f"it leads to '{new}', which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Refused(Exception):
    """The server's answer will not change by asking again."""


class _Again(Exception):
    """What is there does not fit: start from the first byte."""


@dataclass
class _Part:
    """The unfinished file, and what the server said of it."""

    path: Path
    url: str

    @property
    def facts(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def begun(self) -> tuple[int, dict[str, Any]]:
        """Return the bytes that are there and what is known of the whole; (0, {}) if of another address."""
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self.facts.read_text(encoding="utf-8"))
            if isinstance(known, dict) and known.get("url") == self.url and self.path.is_file():
                return self.path.stat().st_size, known
        return 0, {}

    def note(self, **known: Any) -> None:
        self.facts.write_text(json.dumps({"url": self.url, **known}), encoding="utf-8")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)


def download(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    authorization: str | None = None,
    progress: Tell | None = None,
) -> None:
    """Download a file; what was got before a cut is kept beside it as ``.part`` and continued.

    Parameters
    ----------
    url : str
        http or https.
    target : path
        Written in one step at the end.
    size : int, optional
        Bytes it must have.
    authorization : str, optional
        Sent to the first address only, not to where it redirects.
    progress : callable, optional
        Called with the bytes that are there and, if known, all of them.

    Raises
    ------
    MedgraftError
        The server refuses, five tries in a row bring nothing, the disk is full, or the size is not what it
        must be.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise MedgraftError(f"'{url}' is no address that medgraft downloads from: it must begin with https.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(target.with_name(target.name + ".part"), url)
    tries = restarts = 0
    while True:
        before = part.begun()[0]
        try:
            _continue(part, authorization, progress)
            break
        except _Again:
            part.forget()
            reason, wait = "what it sends does not continue what is there", 0.0
            restarts += 1
        except _Refused as error:
            raise _failed(url, str(error)) from error
        except urllib.error.HTTPError as error:
            if error.code not in _PASSING:
                raise _failed(url, _meaning(error.code)) from error
            reason, wait = _meaning(error.code), _retry_after(error)
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) == 28:
                raise MedgraftError(
                    f"The disk of '{target.parent}' is full: make room and run it again."
                ) from error
            reason, wait = _reason(error), 0.0
        tries = 0 if part.begun()[0] > before else tries + 1
        if tries >= TRIES or restarts >= TRIES:
            raise _failed(url, reason)
        time.sleep(max(wait, WAIT * 2 ** max(tries - 1, 0) if tries else 0.0))
    got = part.path.stat().st_size
    if size is not None and got != size:
        part.forget()
        raise MedgraftError(
            f"'{url}' sent {got:,} bytes where {size:,} are expected: it is another file now, or a page "
            "that asks to "
            "log in; get it by hand and give it with --local."
        )
    part.path.replace(target)
    part.facts.unlink(missing_ok=True)


def _continue(part: _Part, authorization: str | None, progress: Tell | None) -> None:
    """Ask for the rest of a file and append it."""
    have, known = part.begun()
    if have and known.get("total") == have:
        return
    request = urllib.request.Request(
        part.url, headers={"User-Agent": "medgraft", "Accept-Encoding": "identity"}
    )
    if authorization is not None:
        request.add_unredirected_header("Authorization", authorization)
    if have:
        request.add_header("Range", f"bytes={have}-")
        if known.get("tag"):
            request.add_header("If-Range", str(known["tag"]))
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            raise _Again from error
        raise
    with answer:
        tag = answer.headers.get("ETag")
        tag = answer.headers.get("Last-Modified") if tag is None or tag.startswith("W/") else tag
        total, start = _extent(answer, have)
        if start and (
            total is None or known.get("total") not in (None, total) or (tag and tag != known.get("tag"))
        ):
            raise _Again
        if total is not None and total - start > shutil.disk_usage(part.path.parent).free:
            raise _Refused(f"its {total / 1e9:.1f} GB do not fit on the disk of '{part.path.parent}'")
        part.note(total=total, tag=tag)
        with part.path.open("ab" if start else "wb") as out:
            done = start
            while block := answer.read(_BLOCK):
                out.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total)
        if total is not None and done < total:
            raise ConnectionError(f"the line was cut after {done:,} of {total:,} bytes")
        part.note(total=done, tag=tag)


def _extent(answer: Any, have: int) -> tuple[int | None, int]:
    """Return the size of the whole file, if told, and where the answer begins."""
    if answer.status == 206:
        # Content-Range: bytes 100-199/200
        unit, _, rest = str(answer.headers.get("Content-Range", "")).partition(" ")
        span, _, total = rest.partition("/")
        begin = span.partition("-")[0]
        if unit != "bytes" or not begin.isdigit() or int(begin) != have:
            raise _Again
        return (int(total) if total.isdigit() else None), have
    length = str(answer.headers.get("Content-Length", ""))
    return (int(length) if length.isdigit() else None), 0


def _retry_after(error: urllib.error.HTTPError) -> float:
    said = str(error.headers.get("Retry-After", ""))
    return min(float(said), 30.0) if said.isdigit() else 0.0


def _meaning(code: int) -> str:
    told = {
        401: "the server asks for an account, or refuses the one that was given",
        403: "the server refuses; the data set's page may ask to accept its terms first",
        404: "nothing is there any more",
        410: "nothing is there any more",
        429: "the server asks to come back later",
    }
    return f"{told.get(code, 'the server has a fault' if code >= 500 else 'the server refuses')}, HTTP {code}"


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    if isinstance(inner, TimeoutError):
        return f"no answer for {TIMEOUT:.0f} seconds"
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__)[:120]


def _failed(url: str, reason: str) -> MedgraftError:
    return MedgraftError(
        f"'{url}' could not be downloaded ({reason}): check the connection and run it again to go on, or "
        "get it in a "
        "browser and give the file or folder with --local."
    )
