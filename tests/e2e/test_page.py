"""The page in the service's own process.

What a browser makes of it is tested in tests/integration/page.
"""

import json
import re
from typing import Any

import httpx

from tests.e2e.workplace import PUMP, Served

_ASK_INPUTS = 8  # conversation, question, key and filters


def config_of(page: str) -> dict[str, Any]:
    """Returns what the page tells its scripts."""
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", page, re.DOTALL)
    assert found
    config: dict[str, Any] = json.loads(found[1])
    return config


def events(client: httpx.Client, session: str) -> list[dict[str, Any]]:
    """Returns what the page is sent until its event has ended."""
    seen = []
    with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
                if seen[-1]["msg"] == "process_completed":
                    break
    return seen


def test_the_page_answers(served: Served) -> None:
    with httpx.Client(base_url=f"{served.url}/ui/", timeout=120) as client:
        page = client.get("")
        assert page.status_code == 200
        assert "script-src 'self' 'nonce-" in page.headers["content-security-policy"]
        asks = [
            each
            for each in config_of(page.text)["dependencies"]
            if len(each["inputs"]) == _ASK_INPUTS
        ]
        joined = client.post(
            "gradio_api/queue/join",
            json={
                "fn_index": asks[0]["id"],
                "session_hash": "reader",
                "data": [None, PUMP, "", "", "", [], "", ""],
            },
        )
        assert joined.status_code == 200, joined.text
        seen = events(client, "reader")
    assert seen[-1]["success"], seen[-1]
    text = json.dumps(seen)
    assert "/pump.html" in text
    assert "#q1-s1-quote" in text
