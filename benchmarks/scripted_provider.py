"""An endpoint of OpenAI's protocol that quotes the first passage it reads, after so many seconds.

    python -m benchmarks.scripted_provider 1.0

Prints its port, and ends with its standard input.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.served import quoted


def main(seconds: float) -> None:
    """Serves on a free port of this machine."""
    server = make_server(seconds)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    server.shutdown()


def make_server(seconds: float) -> ThreadingHTTPServer:
    """Returns the server, which answers with a passage's first sentence as a stream of words."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(seconds)
            said = quoted(asked["messages"][-1]["content"])
            events = "".join(f"data: {json.dumps(event)}\n\n" for event in _events(said))
            body = f"{events}data: [DONE]\n\n".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    return Server(("127.0.0.1", 0), Handler)


def _events(text: str) -> Iterator[dict[str, object]]:
    event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    for word in text.split(" "):
        choice = {"index": 0, "delta": {"role": "assistant", "content": f"{word} "}}
        yield {**event, "choices": [choice]}
    yield {**event, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
    yield {**event, "choices": [], "usage": usage}


if __name__ == "__main__":
    main(float(sys.argv[1]))
