"""A web server on this machine that misbehaves as asked, for tests of downloads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Files by path, how they are served, and what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.statuses: dict[str, list[int]] = {}  # answered in turn before the file is
        self.cuts: dict[str, list[int]] = {}  # bytes after which the line is cut, in turn
        self.pauses: dict[str, list[float]] = {}  # seconds of silence in the middle, in turn
        self.ranges = True
        self.lies: str | None = None  # a Content-Range to send whatever is asked
        self.chunked = False
        self.asked: list[tuple[str, dict[str, str]]] = []

    def ranges_of(self, path: str) -> list[str | None]:
        return [headers.get("range") for asked, headers in self.asked if asked == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        site, path = self.site, self.path
        headers = {key.lower(): value for key, value in self.headers.items()}
        site.asked.append((path, headers))
        self.close_connection = True
        if path in site.redirects:
            self._head(302, {"Location": site.redirects[path], "Content-Length": "0"})
            return
        status = site.statuses[path].pop(0) if site.statuses.get(path) else 200
        if status != 200 or path not in site.files:
            self._head(status if status != 200 else 404, {"Content-Length": "0"})
            return
        content, start = site.files[path], 0
        out = {"ETag": site.etags[path]} if path in site.etags else {}
        wanted = headers.get("range", "")
        same = headers.get("if-range") in (None, site.etags.get(path))
        if site.ranges and wanted.startswith("bytes=") and same:
            start = int(wanted[6:].split("-")[0])
            if start >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                return
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            out["Content-Range"] = site.lies or span
        body = content[start:]
        out |= {"Transfer-Encoding": "chunked"} if site.chunked else {"Content-Length": str(len(body))}
        self._head(206 if "Content-Range" in out else 200, out)
        cut = site.cuts[path].pop(0) if site.cuts.get(path) else len(body)
        if pause := site.pauses[path].pop(0) if site.pauses.get(path) else 0.0:
            self._send(body[: cut // 2])
            time.sleep(pause)
            body, cut = body[cut // 2 :], cut - cut // 2
        self._send(body[:cut])
        if site.chunked and cut >= len(body):
            self._send(b"")

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def _send(self, block: bytes) -> None:
        try:
            self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n" if self.site.chunked else block)
            self.wfile.flush()
        except OSError:
            pass  # the client has given up


@contextmanager
def serve() -> Iterator[Site]:
    """Run a server for a while."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site = Site(f"http://127.0.0.1:{server.server_port}")
    handler.site = site
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
