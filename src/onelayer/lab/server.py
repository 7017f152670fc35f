"""The lab's server: one ASGI application with the pages of a site and the library behind them, for this machine."""

import asyncio
import contextlib
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import anyio
import uvicorn
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from onelayer.errors import OneLayerError, first_line
from onelayer.lab.course import COURSE, Entry
from onelayer.lab.interface import LANGUAGES, Language, language_in
from onelayer.lab.pages import STATIC, index_page, lesson_page, not_found_page
from onelayer.lab.recording import Outcome, data_of, encoded, outcomes, scenes_of
from onelayer.lab.security import HOST, LocalOnly, SmallRequests, Token
from onelayer.lab.vocabulary import Choice, Kernel, Number, Pad, Scene

DEFAULT_PORT = 8017
PORTS_TRIED = 20
GRACE = 2  # seconds that open pages have when the server ends
LESSONS = {entry.slug: entry for entry in COURSE}


def create_app(token: str, language: Language | None = None, is_eager: bool = False) -> ASGIApp:
    """Return the lab as an ASGI application.

    Args:
        token: who has it is let in.
        language: where ``/`` leads; None for what the browser asks for.
        is_eager: whether the data of all lessons are made before anybody asks for them.
    """

    async def start(request: Request) -> Response:
        return RedirectResponse(f"/{language or preferred_language(request.headers)}/index.html")

    async def not_found(request: Request, error: Exception) -> Response:
        tongue = language_in(request.scope["path"]) or preferred_language(request.headers)
        return HTMLResponse(not_found_page(tongue), 404)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.warm = warming_up(is_eager)
        yield

    routes = [
        Route("/", start),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/data/{slug}.kernels.js", kernels),
        Route("/data/{slug}.js", data),
        Route("/run/{slug}/{scene}", run, methods=["POST"]),
    ]
    for tongue in LANGUAGES:
        routes += [Route(f"/{tongue}/{{page}}.html", page), Route(f"/{tongue}/{{page:path}}", old_address)]
    app = Starlette(routes=routes, exception_handlers={404: not_found}, lifespan=lifespan)
    return LocalOnly(SmallRequests(Token(app, token)))


async def page(request: Request) -> Response:
    """Answer with the index or with a lesson."""
    name, language = request.path_params["page"], language_in(request.scope["path"])
    assert language is not None, "the route has it"
    if name == "index":
        return HTMLResponse(index_page(language))
    if name not in LESSONS:
        raise HTTPException(404)
    return HTMLResponse(await run_sync(_lesson_page, name, language), headers={"Cache-Control": "no-cache"})


_lesson_page = cache(lambda name, language: lesson_page(LESSONS[name], language, live=True))


async def old_address(request: Request) -> Response:
    """Lead from ``/zh/`` and ``/zh/sgd/`` to their pages."""
    language = language_in(request.scope["path"])
    name = request.path_params["page"].strip("/") or "index"
    if name != "index" and name not in LESSONS:
        raise HTTPException(404)
    return RedirectResponse(f"/{language}/{name}.html", 301)


async def kernels(request: Request) -> Response:
    """Answer with a lesson's kernels."""
    return Response(_lesson(request).kernels, media_type="text/javascript")


async def data(request: Request) -> Response:
    """Answer with a lesson's data, once the server is warm."""
    entry = _lesson(request)
    await request.app.state.warm.wait()
    return Response(await run_sync(_data, entry.slug), media_type="text/javascript")


_locks = {slug: threading.Lock() for slug in LESSONS}


def _data(slug: str) -> str:
    with _locks[slug]:  # a page that waits for data which are being made does not make them again
        return _made_data(slug)


_made_data = cache(lambda slug: data_of(LESSONS[slug], live=True))


async def run(request: Request) -> Response:
    """Answer with what a scene's experiment finds for the state that is sent: a line of JSON for each outcome."""
    entry = _lesson(request)
    scene = next((scene for scene in scenes_of(entry) if scene.name == request.path_params["scene"]), None)
    if scene is None or scene.run is None or isinstance(scene.run, Kernel):
        raise HTTPException(404)
    try:
        state = checked(scene, await request.json())
    except (ValueError, RecursionError) as error:
        return PlainTextResponse(f"400: {first_line(error)}", 400)
    await request.app.state.warm.wait()
    found = outcomes(entry, scene.run.run, state)
    # A page that is closed, or wants another state, ends this at the next outcome.
    return StreamingResponse(_from_thread(_lines(found)), media_type="application/x-ndjson")


async def _from_thread(lines: Generator[str, None, None]) -> AsyncIterator[str]:
    """Yield what a generator does in a thread, and close it when nobody wants more."""
    try:
        while (line := await run_sync(next, lines, None)) is not None:
            yield line
    finally:
        with contextlib.suppress(ValueError):  # still at work in its thread: nobody will ask it for more
            lines.close()


def _lines(found: Iterator[Outcome]) -> Generator[str, None, None]:
    try:
        for outcome in found:
            yield json.dumps(encoded(outcome), ensure_ascii=False, allow_nan=False) + "\n"
    except OneLayerError as error:
        yield json.dumps({"error": str(error)}, ensure_ascii=False) + "\n"


def _lesson(request: Request) -> Entry:
    slug = request.path_params["slug"]
    if slug not in LESSONS:
        raise HTTPException(404)
    return LESSONS[slug]


def checked(scene: Scene, state: Any) -> dict[str, Any]:
    """Return the state of the controls that a scene's experiment reads, if each is what its control allows.

    Raises:
        ValueError: if not.
    """
    assert scene.run is not None
    wanted = {control.name: control for control in scene.controls if control.name in scene.run.reads}
    if not isinstance(state, dict) or state.keys() != wanted.keys():
        raise ValueError(f"the state has to have {', '.join(wanted) or 'no controls'}")
    for name, value in state.items():
        if not _is_allowed(wanted[name], value):
            raise ValueError(f"{name}: its control does not allow this value")
    return state


def _is_allowed(control: Any, value: Any) -> bool:
    if isinstance(control, Choice):
        return isinstance(value, str | int) and value in control.options
    if isinstance(control, Pad):
        return (
            isinstance(value, list)
            and len(value) == 784
            and all(type(v) is int and 0 <= v < 256 for v in value)
        )
    if type(value) not in (int, float):
        return False
    if isinstance(control, Number):
        low, high = (
            (min(control.values), max(control.values)) if control.values else (control.low, control.high)
        )
        return bool(low <= value <= high)
    return type(value) is int and 0 <= value <= 1_000_000


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
        opened: called with the lab's first address, which has the token, once it answers.

    Raises:
        OneLayerError: if the port is in use.
    """
    token = secrets.token_urlsafe(24)
    with open_port(port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
        config = uvicorn.Config(
            create_app(token, language, is_eager=True),
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


def warming_up(is_eager: bool) -> anyio.Event:
    """Start ``warm_up`` in a thread that does not hold up the end of the server, and return what is set at its end."""
    loop, warm = asyncio.get_running_loop(), anyio.Event()

    def run() -> None:
        try:
            warm_up()
        finally:  # whatever could not be imported, the page that needs it will say so
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(warm.set)
        for slug in LESSONS if is_eager else ():  # some data are weights that have to be trained
            _data(slug)

    threading.Thread(target=run, daemon=True).start()
    return warm


def warm_up() -> None:
    """Import what the lessons need, while the reader looks at the index: PyTorch by one thread alone."""
    # The first optimizer of a process imports torch._dynamo, which takes two seconds.
    for module in ("torch._dynamo", "onelayer.estimators"):
        import_module(module)
    for entry in COURSE:
        import_module(f"onelayer.lab.lessons.{entry.folder.name}.experiment")
