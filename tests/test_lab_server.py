"""The lab's server: what it shows, whom it lets in, and what it refuses."""

import asyncio
import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from onelayer.lab.course import COURSE
from onelayer.lab.interface import LANGUAGES
from onelayer.lab.prose import read_lesson
from onelayer.lab.server import create_app, open_port

SLUGS = [entry.slug for entry in COURSE]


@contextlib.contextmanager
def lab() -> Iterator[int]:
    """Serve the lab on a free port, in a thread, and yield the port."""
    listener = open_port(0)
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="critical", timeout_graceful_shutdown=1))
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


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


def open_session(port: int, origin: str | None, timeout: float = 10) -> ClientConnection:
    address = f"ws://127.0.0.1:{port}/en/linear-regression/ws?session_id=s_test"
    return connect(address, origin=origin, open_timeout=timeout)


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
    assert status == 307 and headers["location"] == f"/{language}/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_index_lists_the_lessons_and_each_has_its_page(port, language):
    status, _, page = ask(port, f"/{language}/")
    assert status == 200 and re.findall(rf'href="/{language}/([^"]+)/"', page) == SLUGS
    for slug in SLUGS:
        status, _, page = ask(port, f"/{language}/{slug}/")
        lesson = read_lesson(slug, language)
        assert status == 200 and f"<title>{lesson.title}</title>" in page
        assert next(iter(lesson.sections.values())).title in page, "prose comes with the page"
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page


@pytest.mark.parametrize(
    "path",
    [
        "/de/",
        "/zh/nonsense/",
        "/nonsense",
        "/zh/linear-regression/nonsense",
        "/zh/linear-regression/sse?session_id=s_elsewhere",
        "/marimo/assets/nonsense",
        "/marimo/assets/../index.html",
        "/marimo/index.html",
    ],
)
def test_anything_else_is_not_found(port, path):
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize(
    ("path", "accepted", "language", "text"),
    [
        ("/nonsense", "zh", "zh", "没有这一页"),
        ("/nonsense", "en", "en", "no such page"),
        ("/zh/nonsense/", "en", "zh", "没有这一页"),
    ],
)
def test_an_unknown_address_leads_to_the_lessons(port, path, accepted, language, text):
    status, _, page = ask(port, path, Accept_Language=accepted)
    assert status == 404 and text in page and f'href="/{language}/"' in page


def test_scripts_have_one_address_for_all_lessons_and_stay_in_the_browser(port):
    script = re.compile(r'src="(/marimo/assets/[^"]+\.js)"')
    pages = [ask(port, f"/{language}/{slug}/")[2] for slug in SLUGS[:2] for language in LANGUAGES]
    first, *others = [script.findall(page) for page in pages]
    assert first and all(other == first for other in others)
    assert f'<link rel="prefetch" href="{first[0]}">' in ask(port, "/en/")[2]
    status, headers, _ = ask(port, first[0])
    assert status == 200 and "immutable" in headers["cache-control"]


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


@pytest.mark.parametrize("path", ["/favicon.ico", "/en/linear-regression/favicon.ico"])
def test_the_icon_is_the_labs_own(port, path):
    status, headers, content = ask(port, path)
    assert status == 200 and headers["content-type"] == "image/svg+xml" and content.startswith("<svg")
    links = re.findall(r'<link rel="(?:[^"]*icon|manifest)"[^>]*>', ask(port, "/en/linear-regression/")[2])
    assert links == [], "marimo names an icon of its own"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("succeeds", [True, False])
def test_a_page_comes_at_once_and_its_notebook_once_the_server_is_warm(monkeypatch, succeeds):
    """Also where something could not be imported: the notebook then says what."""
    imported = threading.Event()

    def warm_up() -> None:
        imported.wait(30)
        if not succeeds:
            raise ImportError("torch")

    monkeypatch.setattr("onelayer.lab.server.warm_up", warm_up)
    with lab() as port:
        assert ask(port, "/en/linear-regression/")[0] == 200
        own = f"http://127.0.0.1:{port}"
        with pytest.raises(TimeoutError):
            open_session(port, own, timeout=0.5)
        imported.set()
        with open_session(port, own) as session:
            assert "kernel-ready" in str(session.recv(timeout=20))


def test_a_page_that_is_closed_while_its_notebook_speaks_leaves_no_complaints(monkeypatch, caplog):
    finished = threading.Event()

    async def speak(session: WebSocket) -> None:
        await session.accept()
        await session.send_text("ready")
        time.sleep(0.3)  # the loop is busy while the page goes
        try:
            for _ in range(100):
                await session.send_text("x" * 1000)
        finally:
            finished.set()

    notebook = Starlette(routes=[WebSocketRoute("/ws", speak)])
    monkeypatch.setattr("onelayer.lab.server._notebook_app", lambda entry: notebook)
    monkeypatch.setattr("onelayer.lab.server.warm_up", lambda: None)
    with lab() as port, open_session(port, f"http://127.0.0.1:{port}") as session:
        assert session.recv(timeout=20) == "ready"
        # The connection is reset, as when a browser is killed.
        session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        session.socket.close()
        assert finished.wait(20)
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_pages_forbid_other_hosts(port):
    for path in ("/en/", "/en/linear-regression/", "/lab.css", "/favicon.ico"):
        headers = ask(port, path)[1]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "", "[::1"]
)
def test_other_names_for_this_machine_are_refused(port, host):
    assert ask(port, "/en/", Host=host)[0] == 403


def test_requests_from_other_origins_are_refused(port):
    page = "/en/linear-regression/"
    own = f"http://127.0.0.1:{port}"
    assert ask(port, page, Origin=own)[0] == 200
    for origin in ("http://example.com", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1"):
        assert ask(port, page, Origin=origin)[0] == 403
        assert ask(port, f"{page}api/kernel/instantiate", "POST", Origin=origin)[0] == 403
    assert ask(port, f"{page}api/kernel/instantiate", "POST")[0] == 403, "a post says where it comes from"


@pytest.mark.parametrize("size", ["50000000", "many", None])
def test_a_request_that_is_too_large_is_refused(port, size):
    """Of 50 MB by its own account, of no account at all, and of 2 MB that it sends piece by piece."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/en/linear-regression/api/kernel/set_ui_element_value")
    connection.putheader("Origin", f"http://127.0.0.1:{port}")
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


def test_websockets_of_other_origins_are_refused(port):
    for origin in (None, "http://example.com", "null"):
        with pytest.raises(InvalidStatus) as refused:
            open_session(port, origin)
        assert refused.value.response.status_code == 403
    with open_session(port, f"http://127.0.0.1:{port}") as session:
        assert "kernel-ready" in str(session.recv(timeout=20))


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
