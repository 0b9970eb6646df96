"""A language model's server by script: speaks OpenAI's, Azure's, Anthropic's, Bedrock's and Ollama's protocol over real HTTP.

What it answers is decided by a function of the request, so that a test can let one role be hijacked while others behave; how it
misbehaves is in `misbehaviours`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DRIP = 16
"""Bytes that a dripping server sends at a time."""


@dataclass(frozen=True)
class Asked:
    """A request as it came in; `path` tells the protocol."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def protocol(self) -> str:
        if self.path.endswith(("/messages", "/invoke")):  # Anthropic's own, and Bedrock's
            return "anthropic"
        return "ollama" if self.path.endswith("/api/chat") else "openai"

    @property
    def system(self) -> str:
        """The instructions, wherever the protocol puts them."""
        if self.protocol == "anthropic":
            return _text(self.body.get("system", ""))
        return "\n".join(_text(each["content"]) for each in self.body["messages"] if each["role"] == "system")

    @property
    def said(self) -> str:
        """Everything but the instructions."""
        return "\n".join(_text(each.get("content")) for each in self.body["messages"] if each["role"] != "system")

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the answer must have, None if none was asked for."""
        wanted = self.body.get("response_format") or {}
        found: Mapping[str, Any] | None = (wanted.get("json_schema") or {}).get("schema")
        return found

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools that were offered."""
        offered = self.body.get("tools") or ()
        return tuple(tool["name"] if "name" in tool else tool["function"]["name"] for tool in offered)


@dataclass(frozen=True)
class Wire:
    """Bytes to send, and how: after `wait` seconds, `drip` seconds between pieces, nothing more after `cut` bytes."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0
    cut: int | None = None


@dataclass(frozen=True)
class Said:
    """A completion. `tools` are calls of (name, arguments as text); `usage` the tokens of prompt and answer, None for no word."""

    text: str | None = None
    tools: tuple[tuple[str, str], ...] = ()
    refusal: str | None = None
    finish: str | None = None
    usage: tuple[int, int] | None = (900, 60)

    def wire(self, protocol: str, model: str) -> Wire:
        """The completion in a protocol's words."""
        return Wire(json.dumps(_PROTOCOLS[protocol](self, model)).encode())


Script = Callable[[Asked], Said | Wire]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error here; what else goes wrong, the test sees in the answer."""


class ModelServer:
    """Answers each request as the script says, and keeps what it was asked in `asked`.

    `script` may be replaced at any time. Close it when done.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # head and body are two writes: the second would wait 40 ms for the ACK of the first
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                """The test says what matters."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Address for OpenAI's clients; others take `host`."""
        return f"{self.host}/v1"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, call: BaseHTTPRequestHandler) -> None:
        content = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        asked = Asked(call.path.partition("?")[0], dict(call.headers.items()), json.loads(content))
        self.asked.append(asked)
        answer = self.script(asked)
        wire = (
            answer if isinstance(answer, Wire) else answer.wire(asked.protocol, str(asked.body.get("model", "azure")))
        )
        try:
            self._send(call, wire)
        except (BrokenPipeError, ConnectionResetError):
            call.close_connection = True  # the client had waited long enough

    def _send(self, call: BaseHTTPRequestHandler, wire: Wire) -> None:
        if self._closing.wait(wire.wait) or wire.cut == 0:
            call.close_connection = True
            return
        call.send_response(wire.status)
        call.send_header("Content-Type", wire.content_type)
        call.send_header("Content-Length", str(len(wire.body)))
        for name, value in wire.headers.items():
            call.send_header(name, value)
        call.end_headers()
        body = wire.body[: wire.cut]
        for at in range(0, len(body), DRIP) if wire.drip else ():
            call.wfile.write(body[at : at + DRIP])
            if self._closing.wait(wire.drip):
                break
        if not wire.drip:
            call.wfile.write(body)
        call.close_connection = wire.cut is not None


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(_text(part.get("text", part.get("content", ""))) for part in content)
    return str(content or "")


def _openai(said: Said, model: str) -> dict[str, Any]:
    calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(said.tools)
    ]
    message = {"role": "assistant", "content": said.text, "refusal": said.refusal} | (
        {"tool_calls": calls} if calls else {}
    )
    finish = said.finish or ("tool_calls" if calls else "stop")
    answer: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    }
    if said.usage is not None:
        prompt, completion = said.usage
        answer["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    return answer


def _anthropic(said: Said, model: str) -> dict[str, Any]:
    text = [{"type": "text", "text": said.text}] if said.text else []
    calls = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": json.loads(arguments)}
        for number, (name, arguments) in enumerate(said.tools)
    ]
    prompt, completion = said.usage or (0, 0)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*text, *calls],
        "stop_reason": said.finish or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": prompt, "output_tokens": completion},
    }


def _ollama(said: Said, model: str) -> dict[str, Any]:
    calls = [{"function": {"name": name, "arguments": json.loads(arguments)}} for name, arguments in said.tools]
    prompt, completion = said.usage or (0, 0)
    return {
        "model": model,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": said.text or ""} | ({"tool_calls": calls} if calls else {}),
        "done": True,
        "done_reason": said.finish or "stop",
        "prompt_eval_count": prompt,
        "eval_count": completion,
    }


_PROTOCOLS: Mapping[str, Callable[[Said, str], dict[str, Any]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "ollama": _ollama,
}
