"""Whom the lab lets in, and what its pages may load: only itself, on this machine."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
HOSTS = (HOST, "localhost")

# marimo's page has scripts of its own in it, and Vega compiles the expressions of charts.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SAFE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
READS = ("GET", "HEAD")
LARGEST_BODY = 1_000_000  # bytes of a request: a page sends the values of controls and no more


class SmallRequests:
    """Refuse requests with bodies that no page of the lab sends, with 413, before they fill the memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        too_large = PlainTextResponse(f"413: a request may have {LARGEST_BODY:,} bytes", 413)
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            await too_large(scope, receive, send)
            return
        messages, received = [], 0
        while True:  # a body without a length is counted as it comes
            message = await receive()
            messages.append(message)
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:
                await too_large(scope, receive, send)
                return
            if message["type"] != "http.request" or not message.get("more_body"):
                break

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, again, send)


class LocalOnly:
    """Let in only what a page of this server, open in a browser on this machine, can send.

    A page elsewhere can reach a server on the loopback address through the reader's own browser: by a name that
    resolves to 127.0.0.1 (DNS rebinding), or from its own origin. Both are refused with 403. What a browser asks for
    without an origin, such as an image, it gets; its page cannot read the answer (Cross-Origin-Resource-Policy).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if not is_local(scope):
            await _refuse(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.update(SAFE_HEADERS)
                del headers["access-control-allow-origin"]
            await send(message)

        await self.app(scope, receive, send_safely)


def is_local(scope: Scope) -> bool:
    """Whether a request names this machine as its host and comes from one of this server's own pages."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or hosts[0].partition(":")[0] not in HOSTS:
        return False
    if not origins:
        return scope["type"] == "http" and scope["method"] in READS
    return origins == [f"http://{hosts[0]}"]


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the answer is 403
        return
    await PlainTextResponse("403 Forbidden", 403)(scope, receive, send)
