"""Asks on the page as its scripts do; what a browser makes of it: tests/integration/page."""

import json
import re
from typing import Any

import httpx

_ASK_INPUTS = 8  # conversation, question, key and filters; to explain takes as many


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


def asked(url: str, question: str) -> list[dict[str, Any]]:
    """Opens the page, asks, and returns all that it is sent for the question."""
    with httpx.Client(base_url=f"{url}/ui/", timeout=120) as client:
        page = client.get("")
        assert page.status_code == 200
        assert "script-src 'self' 'nonce-" in page.headers["content-security-policy"]
        (asks,) = [
            each
            for each in config_of(page.text)["dependencies"]
            if len(each["inputs"]) == _ASK_INPUTS and len(each["outputs"]) > 1
        ]
        joined = client.post(
            "gradio_api/queue/join",
            json={
                "fn_index": asks["id"],
                "session_hash": "reader",
                "data": [None, question, "", "", "", [], "", ""],
            },
        )
        assert joined.status_code == 200, joined.text
        return events(client, "reader")
