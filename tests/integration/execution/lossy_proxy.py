"""A network that loses what it is told to lose, between the gateway and the exchange."""

from __future__ import annotations

import http.client
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CONNECTION_HEADERS = {"host", "connection", "transfer-encoding", "content-length"}


class LossyProxy:
    """Forwards HTTP to `target`. `lose` names what happens to the next calls of "METHOD path", one by one:
    "" passes, "request" never arrives, "answer" is carried out and its answer is lost."""

    def __init__(self, target: str) -> None:
        self.lose: dict[str, deque[str]] = {}
        self.carried_out: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_call(self) -> None:
                proxy._forward(self, target)

            do_GET = do_POST = do_DELETE = handle_call  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """The test says what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _forward(self, call: BaseHTTPRequestHandler, target: str) -> None:
        name = f"{call.command} {call.path.partition('?')[0].removeprefix('/api/v3/')}"
        waiting = self.lose.get(name)
        fate = waiting.popleft() if waiting else ""
        body = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        if fate == "request":
            call.close_connection = True
            return
        headers = {key: value for key, value in call.headers.items() if key.lower() not in CONNECTION_HEADERS}
        upstream = http.client.HTTPConnection(urlsplit(target).netloc, timeout=10)
        upstream.request(call.command, call.path, body, headers | {"Accept-Encoding": "identity"})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        self.carried_out.append(name)
        if fate == "answer":
            call.close_connection = True
            return
        call.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in CONNECTION_HEADERS:
                call.send_header(key, value)
        call.send_header("Content-Length", str(len(content)))
        call.end_headers()
        call.wfile.write(content)
