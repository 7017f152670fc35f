"""Whom the lab lets in, and what its pages may load: only itself, on this machine."""

import secrets
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onelayer.lab.pages import CONTENT_SECURITY_POLICY

HOST = "127.0.0.1"
HOSTS = (HOST, "localhost")

SAFE_HEADERS = {
    "Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
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


class Token:
    """Let in only the browser that was given the server's token, which other users of the machine do not know.

    It stands in the first address, and from then on in a cookie, so that links can be shared. The cookie's name has the
    port in it: browsers keep cookies by the host alone.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, take the token out of its address, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        given = dict(query).get("token")
        if given is not None and scope["type"] == "http" and self._is_right(given):
            rest = urlencode([item for item in query if item[0] != "token"])
            answer = RedirectResponse(scope["path"] + (f"?{rest}" if rest else ""), 303)
            # Not "strict": the first address may be opened from another program's page.
            answer.set_cookie(self._name(scope), self.token, httponly=True, samesite="lax")
            await answer(scope, receive, send)
        elif self._is_right(self._cookie(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            text = "403: open the address that onelayer lab has printed in the terminal"
            await PlainTextResponse(text, 403)(scope, receive, send)
        else:
            await _refuse(scope, receive, send)

    def _is_right(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())

    def _name(self, scope: Scope) -> str:
        return f"onelayer-lab-{(scope.get('server') or ('', 0))[1]}"

    def _cookie(self, scope: Scope) -> str:
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(Headers(scope=scope).get("cookie", ""))
        except ValueError:
            return ""
        found = cookies.get(self._name(scope))
        return found.value if found else ""
