"""The lab's server: one ASGI application with the index and every lesson in every language, for this machine only."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from importlib import import_module

import marimo
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onelayer.errors import OneLayerError
from onelayer.lab import pending
from onelayer.lab.course import COURSE, Entry
from onelayer.lab.interface import LANGUAGES, Language, language_in
from onelayer.lab.pages import ICON, MARIMO, SCRIPT, STYLE, index_page, lesson_page, not_found_page
from onelayer.lab.security import HOST, READS, LocalOnly, SmallRequests

DEFAULT_PORT = 8017
PORTS_TRIED = 20
GRACE = 2  # seconds that open pages have when the server ends


class LessonPage:
    """Serve marimo's notebook with the lab's page around it; everything but the page itself is marimo's answer.

    The page comes at once. Its notebook starts when the server is warm: a thread that imports PyTorch while another
    one does may find it half imported.
    """

    def __init__(self, app: ASGIApp, entry: Entry, language: Language) -> None:
        self.app, self.entry, self.language = app, entry, language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the page; pass everything else on, a session only once the server is warm."""
        session = _session(scope)
        scope["meta"] = {"session": session}  # marimo hands it on to the notebook
        if scope["type"] == "websocket":
            await scope["app"].state.warm.wait()
            with pending.open_page(session):
                await self.app(scope, receive, _one_a_turn(send))
        elif scope["path"] == f"/{self.language}/{self.entry.slug}/" and scope["method"] in READS:
            await self._answer(scope, receive, send)
        elif scope["path"].endswith("/sse"):
            # marimo's other way to a session, which any page elsewhere could ask for
            raise HTTPException(404)
        elif scope["path"].endswith("/api/kernel/set_ui_element_value"):
            await self.app(scope, _noting(receive, session), send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["headers"] = [item for item in scope["headers"] if item[0] != b"if-none-match"]
        status, content = 500, bytearray()

        async def collect(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            content.extend(message.get("body", b""))

        await self.app(scope, receive, collect)
        page = lesson_page(content.decode(), self.entry, self.language)
        await HTMLResponse(page, status, {"Cache-Control": "no-store"})(scope, receive, send)


def _session(scope: Scope) -> str:
    """Return marimo's name for the page that asks, or an empty text where it gives none."""
    if scope["type"] == "http":
        return Headers(scope=scope).get("marimo-session-id", "")
    return QueryParams(scope["query_string"]).get("session_id", "")


def _noting(receive: Receive, session: str) -> Receive:
    """Note the controls that a request moves, before the notebook, which may be busy, hears of them."""
    body = bytearray()

    async def receive_and_note() -> Message:
        message = await receive()
        body.extend(message.get("body", b""))
        if message["type"] == "http.request" and not message.get("more_body"):
            pending.note(session, bytes(body))
        return message

    return receive_and_note


def _one_a_turn(send: Send) -> Send:
    """Let the server's loop turn after each message: only then does it learn that a page is gone.

    A notebook has a hundred messages to send at once. Those that follow a page that was closed would each be a line of
    complaint in the reader's terminal.
    """

    async def send_and_yield(message: Message) -> None:
        await send(message)
        await asyncio.sleep(0)

    return send_and_yield


class Assets(StaticFiles):
    """Serve marimo's scripts, styles and fonts. A browser keeps them: their names change with what is in them."""

    def __init__(self) -> None:
        super().__init__(packages=[("marimo", "_static/assets")])

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with a file, and say how long it stays as it is."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


def create_app(language: Language | None = None) -> ASGIApp:
    """Return the lab as an ASGI application.

    Args:
        language: where ``/`` leads; None for what the browser asks for.
    """

    async def start(request: Request) -> Response:
        return RedirectResponse(f"/{language or preferred_language(request.headers)}/")

    async def style(request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def script(request: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    async def icon(request: Request) -> Response:
        return Response(ICON, media_type="image/svg+xml")

    async def index(request: Request) -> Response:
        return HTMLResponse(index_page(request.scope["path"][1:3]))

    async def not_found(request: Request, error: Exception) -> Response:
        tongue = language_in(request.scope["path"]) or preferred_language(request.headers)
        return HTMLResponse(not_found_page(tongue), 404)

    routes: list[Route | Mount] = [
        Route("/", start),
        Route("/lab.css", style),
        Route("/lab.js", script),
        Route("/favicon.ico", icon),
        Route("/{language}/{lesson}/favicon.ico", icon),  # in place of marimo's own
        Mount(f"{MARIMO}/assets", Assets()),
    ]
    routes += [Route(f"/{tongue}/", index) for tongue in LANGUAGES]
    notebooks = []
    for entry in COURSE:
        notebook = _notebook_app(entry)
        notebooks.append(notebook)
        routes += [
            Mount(f"/{tongue}/{entry.slug}", LessonPage(notebook, entry, tongue)) for tongue in LANGUAGES
        ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.warm = warming_up()
        yield
        for notebook in notebooks:
            await _end_sessions(notebook)

    return LocalOnly(
        SmallRequests(Starlette(routes=routes, exception_handlers={404: not_found}, lifespan=lifespan))
    )


def _notebook_app(entry: Entry) -> Starlette:
    """Return marimo's application for one notebook. Each page that is open has a session of its own."""
    builder = marimo.create_asgi_app(quiet=True, asset_url=MARIMO).with_app(path="", root=str(entry.notebook))
    app = builder.build()
    if not isinstance(app, Starlette):
        raise TypeError(f"marimo made a {type(app).__name__}, not a Starlette application")
    return app


async def _end_sessions(notebook: Starlette) -> None:
    """End the threads of all open pages, which marimo leaves running when it is mounted in another application."""
    for route in notebook.routes:
        if isinstance(route, Mount) and isinstance(route.app, Starlette):
            await route.app.state.session_manager.shutdown()


def preferred_language(headers: Headers) -> Language:
    """Return the language of the lab that comes first in ``Accept-Language``, English if none does."""
    asked = []
    for part in headers.get("accept-language", "").split(","):
        tag, _, quality = "".join(part.split()).partition(";q=")
        try:
            asked.append((float(quality or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    for weight, tag in sorted(asked, key=lambda item: -item[0]):
        for language in LANGUAGES:
            if tag == language and weight > 0:
                return language
    return "en"


def open_port(port: int | None) -> socket.socket:
    """Return a socket that listens on the loopback address, on ``port`` or on the first free one from 8017.

    Raises:
        OneLayerError: if the port, or each of those, is in use.
    """
    candidates = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if port is None else (port,)
    for candidate in candidates:
        # With the protocol named, asyncio turns off Nagle's algorithm, which holds back answers by 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere the option lets two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()
        except OSError:
            listener.close()
            continue
        return listener
    tried = f"port {port} is" if port is not None else f"ports {candidates[0]} to {candidates[-1]} are"
    raise OneLayerError(f"{tried} in use on {HOST}; choose another with --port, or --port 0 for any")


def serve(language: Language | None, port: int | None, opened: Callable[[str], None]) -> None:
    """Serve the lab until it is interrupted.

    Args:
        language: where ``/`` leads; None for what the browser asks for.
        port: the port on 127.0.0.1; None for the first free one from 8017.
        opened: called with the lab's address once it answers.

    Raises:
        OneLayerError: if the port is in use.
    """
    with open_port(port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        config = uvicorn.Config(
            create_app(language),
            log_level="error",
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        server = _Server(config, lambda: opened(address))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that says when it answers, and ends without a word."""

    def __init__(self, config: uvicorn.Config, opened: Callable[[], None]) -> None:
        super().__init__(config)
        self.opened = opened

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.opened()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End. Pages that are open are cut off after a while; that is no error."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def warming_up() -> asyncio.Event:
    """Start ``warm_up`` in a thread that does not hold up the end of the server, and return what is set at its end."""
    loop, warm = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            warm_up()
        finally:  # whatever could not be imported, the page that needs it will say so
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(warm.set)

    threading.Thread(target=run, daemon=True).start()
    return warm


def warm_up() -> None:
    """Import what the lessons need, while the reader looks at the index."""
    # The first optimizer of a process imports torch._dynamo, which takes two seconds.
    for module in ("torch._dynamo", "onelayer.lab.charts", "onelayer.estimators"):
        import_module(module)
    for entry in COURSE:
        import_module(f"onelayer.lab.lessons.{entry.folder.name}.experiment")
