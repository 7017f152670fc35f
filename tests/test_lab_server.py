"""The lab's server: what it shows, whom it lets in, and what it refuses."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from onelayer.errors import OneLayerError
from onelayer.lab import server as lab_server
from onelayer.lab.course import COURSE
from onelayer.lab.interface import LANGUAGES
from onelayer.lab.prose import read_lesson
from onelayer.lab.server import create_app, open_port

SLUGS = [entry.slug for entry in COURSE]
TOKEN = "a-token-that-nobody-knows"


@contextlib.contextmanager
def lab() -> Iterator[int]:
    """Serve the lab on a free port, in a thread, and yield the port."""
    listener = open_port(0)
    config = uvicorn.Config(create_app(TOKEN), log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with lab() as found:
        yield found


def ask(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    token: str | None = TOKEN,
    **headers: str,
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        if token:
            connection.putheader("Cookie", f"onelayer-lab-{port}={token}")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


def run(port: int, address: str, state: Any) -> tuple[int, str]:
    body = state if isinstance(state, bytes) else json.dumps(state).encode()
    status, _, text = ask(port, f"/run/{address}", "POST", body, Origin=f"http://127.0.0.1:{port}")
    return status, text


# What it shows


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en;q=0.5", "en"),
        ("en;q=0.1,zh;q=0.2", "zh"),
        ("en; q=0.1, zh; q=0.9", "zh"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_the_start_leads_to_the_browsers_language(port, accepted, language):
    status, headers, _ = ask(port, "/", Accept_Language=accepted)
    assert status == 307 and headers["location"] == f"/{language}/index.html"


@pytest.mark.parametrize("language", LANGUAGES)
def test_index_lists_the_lessons_and_each_has_its_page(port, language):
    status, _, page = ask(port, f"/{language}/index.html")
    assert status == 200 and re.findall(r'href="([^"]+)\.html" data-lesson', page) == SLUGS
    for slug in SLUGS:
        status, _, page = ask(port, f"/{language}/{slug}.html")
        lesson = read_lesson(slug, language)
        assert status == 200 and f"<title>{lesson.title}</title>" in page
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page
        for file in re.findall(r'(?:src|href)="\.\./((?:static|data)/[^"]+)"', page):
            if not file.startswith("data/") or file.endswith(".kernels.js"):
                assert ask(port, f"/{file}")[0] == 200, file


@pytest.mark.parametrize(
    ("old", "new"),
    [("/zh/", "/zh/index.html"), ("/en/sgd/", "/en/sgd.html"), ("/en/softmax/", "/en/softmax.html")],
)
def test_old_addresses_lead_to_the_new_ones(port, old, new):
    status, headers, _ = ask(port, old)
    assert status == 301 and headers["location"] == new


@pytest.mark.parametrize(
    "path",
    [
        "/de/",
        "/zh/nonsense.html",
        "/zh/nonsense/",
        "/nonsense",
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/data/x.js",
        "/data/sgd",
        "/run/sgd/walk",
    ],
)
def test_anything_else_is_not_found(port, path):
    assert ask(port, path)[0] in (404, 405)


@pytest.mark.parametrize(
    ("path", "accepted", "language", "text"),
    [
        ("/nonsense", "zh", "zh", "没有这一页"),
        ("/nonsense", "en", "en", "no such page"),
        ("/zh/nonsense.html", "en", "zh", "没有这一页"),
    ],
)
def test_an_unknown_address_leads_to_the_lessons(port, path, accepted, language, text):
    status, _, page = ask(port, path, Accept_Language=accepted)
    assert status == 404 and text in page and f'href="/{language}/index.html"' in page


def test_data_come_without_recordings_for_the_library_is_at_hand(port):
    status, headers, script = ask(port, "/data/sgd.js")
    assert status == 200 and headers["content-type"].startswith("text/javascript")
    assert script.startswith('onelayer.register("sgd",') and "recordings" not in script


# What it computes


def test_an_experiment_answers_for_the_state_that_is_sent(port):
    status, text = run(port, "sgd/tune", {"split": 3})
    [line] = text.splitlines()
    found = json.loads(line)
    assert status == 200 and found["best_lr"] in found["lrs"] and found["best_batch"] in (16, 64, 256)


@pytest.mark.parametrize(
    ("address", "state", "status"),
    [
        ("sgd/nonsense", {}, 404),
        ("nonsense/walk", {}, 404),
        ("sgd/walk", {}, 404),  # a kernel is the page's own business
        ("sgd/when", {}, 404),
        ("sgd/tune", {}, 400),
        ("sgd/tune", {"split": 3, "more": 1}, 400),
        ("sgd/tune", {"split": 10}, 400),
        ("sgd/tune", {"split": "3"}, 400),
        ("sgd/tune", {"split": True}, 400),
        ("sgd/tune", {"split": None}, 400),
        ("sgd/tune", [], 400),
        ("sgd/tune", b"{", 400),
        ("sgd/tune", b'{"split": NaN}', 400),
        ("sgd/tune", b"\xff\xfe", 400),
        ("sgd/tune", b"[" * 100_000, 400),
        ("sgd/tune", b"", 400),
    ],
)
def test_a_malformed_request_is_refused_in_one_line(port, address, state, status):
    found, text = run(port, address, state)
    assert found == status and "Traceback" not in text
    assert status == 404 or (text.startswith("400: ") and "\n" not in text)


def test_outcomes_come_as_they_are_found_and_a_page_that_goes_ends_the_work(port, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    def counting(entry: object, name: str, state: object) -> Iterator[dict[str, int]]:
        try:
            for i in range(10_000):
                yield {"i": i}
                begun.set()
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(lab_server, "outcomes", counting)
    body = b'{"split": 0}'
    with socket.create_connection(("127.0.0.1", port)) as page:
        page.sendall(
            f"POST /run/sgd/tune HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"Cookie: onelayer-lab-{port}={TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert begun.wait(60)
        received = b""
        while b'{"i": 2}' not in received:
            received += page.recv(4096)
        assert not ended.is_set()
    assert ended.wait(60)


def test_an_error_of_the_library_is_a_line_of_its_own(port, monkeypatch):
    def failing(entry: object, name: str, state: object) -> Iterator[dict[str, int]]:
        yield {"i": 0}
        raise OneLayerError("training diverged")

    monkeypatch.setattr(lab_server, "outcomes", failing)
    status, text = run(port, "sgd/tune", {"split": 0})
    assert status == 200 and text.splitlines() == ['{"i": 0}', '{"error": "training diverged"}']


# Whom it lets in


def test_only_who_has_the_token_is_let_in(port):
    for token in (None, "another", f"{TOKEN}x", ""):
        for path in ("/en/index.html", "/en/sgd.html", "/data/sgd.js", "/static/lesson.js", "/"):
            status, _, text = ask(port, path, token=token)
            assert status == 403 and TOKEN not in text
    assert ask(port, "/en/index.html?token=another", token=None)[0] == 403
    origin = f"http://127.0.0.1:{port}"
    assert ask(port, "/run/sgd/tune", "POST", b'{"split": 0}', token=None, Origin=origin)[0] == 403


def test_the_first_address_gives_a_cookie_and_loses_the_token(port):
    status, headers, _ = ask(port, f"/en/sgd.html?token={TOKEN}&x=1", token=None)
    assert status == 303 and headers["location"] == "/en/sgd.html?x=1"
    cookie = headers["set-cookie"]
    assert cookie.startswith(f"onelayer-lab-{port}={TOKEN};")
    assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower()


def test_pages_forbid_other_hosts_and_frames(port):
    for path in ("/en/index.html", "/en/sgd.html", "/static/lesson.js", "/data/sgd.kernels.js"):
        headers = ask(port, path)[1]
        policy = headers["content-security-policy"]
        assert (
            "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "", "[::1"]
)
def test_other_names_for_this_machine_are_refused(port, host):
    assert ask(port, "/en/index.html", Host=host)[0] == 403


def test_requests_from_other_origins_are_refused(port):
    own = f"http://127.0.0.1:{port}"
    assert ask(port, "/en/sgd.html", Origin=own)[0] == 200
    for origin in ("http://example.com", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1"):
        assert ask(port, "/en/sgd.html", Origin=origin)[0] == 403
        assert ask(port, "/run/sgd/tune", "POST", b"{}", Origin=origin)[0] == 403
    assert ask(port, "/run/sgd/tune", "POST", b"{}")[0] == 403, "a post says where it comes from"


@pytest.mark.parametrize("size", ["50000000", "many", None])
def test_a_request_that_is_too_large_is_refused(port, size):
    """Of 50 MB by its own account, of no account at all, and of 2 MB that it sends piece by piece."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/run/sgd/tune")
    connection.putheader("Origin", f"http://127.0.0.1:{port}")
    connection.putheader("Cookie", f"onelayer-lab-{port}={TOKEN}")
    if size is None:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", size)
    connection.endheaders()
    if size is None:
        chunk = b"x" * 500_000
        with contextlib.suppress(OSError):
            for _ in range(4):
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == (400 if size == "many" else 413)
    connection.close()


def test_answers_are_not_held_back():
    """asyncio turns off Nagle's algorithm only for sockets that name their protocol."""

    async def no_delay() -> int:
        option: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            option.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            await writer.wait_closed()

        with open_port(0) as listener:
            async with await asyncio.start_server(accept, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                found = await option
                writer.close()
                await writer.wait_closed()
        return found

    assert asyncio.run(no_delay())


def test_a_page_comes_at_once_and_its_data_once_the_server_is_warm(monkeypatch):
    imported = threading.Event()
    monkeypatch.setattr(lab_server, "warm_up", lambda: imported.wait(30))
    with lab() as port:
        assert ask(port, "/en/sgd.html")[0] == 200
        threading.Timer(0.5, imported.set).start()
        assert ask(port, "/data/sgd.js")[0] == 200 and imported.is_set()


# Its port


def test_a_busy_port_is_one_clear_line(onelayer):
    with open_port(0) as listener:
        busy = listener.getsockname()[1]
        assert onelayer("lab", "--no-browser", "--port", busy).error == (
            f"error: port {busy} is in use on 127.0.0.1; choose another with --port, or --port 0 for any"
        )


def test_the_first_free_port_is_taken_and_only_on_this_machine():
    with open_port(None) as first, open_port(None) as second:
        assert first.getsockname()[0] == second.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] > first.getsockname()[1] >= 8017
