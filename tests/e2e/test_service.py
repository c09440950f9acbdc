"""The service over HTTP, as its own process, from the embedded stores."""

import json
import threading
import time

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e import page_client
from tests.e2e.site import put_article, put_index
from tests.e2e.workplace import PUMP, Served

EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"


def test_the_service_answers_and_takes_up_new_data_without_a_restart(served: Served) -> None:
    workplace = served.workplace
    answered = served.ask(PUMP, top_k=3)
    assert answered.status_code == 200, answered.text
    body = answered.json()
    assert body["grounded"]
    assert body["citations"][0]["url"].endswith("/pump.html")
    assert {"retrieve", "generate", "total"} <= set(body["timings_ms"])

    found = served.post("/retrieve", query=PUMP, top_k=2).json()
    assert found["passages"][0]["url"].endswith("/pump.html")
    assert (found["degraded"], found["relaxed"]) == ([], [])
    page = f"{workplace.site.url}/orchard.html"
    why = served.post("/explain", query=f"{PUMP} articles by Grace Hopper", document=page).json()
    assert why["fate"] == "filtered"

    statuses: list[int] = []
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            statuses.append(served.ask("When are apple trees pruned?", top_k=1).status_code)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    put_article(
        workplace.site,
        "/lamp.html",
        "The anchor lamp",
        ["The anchor lamp of the ship burns for exactly 97 hours on one charge of its battery."],
        "Grace Hopper",
    )
    put_index(workplace.site)
    workplace.crawl()
    workplace.index()
    finished = time.monotonic()
    urls: set[str] = set()
    while time.monotonic() < finished + 5 and not any("lamp" in url for url in urls):
        found = served.ask("For how many hours does the anchor lamp burn?").json()
        urls = {citation["url"] for citation in found["citations"]}
    stop.set()
    asking.join()
    assert any(url.endswith("/lamp.html") for url in urls)
    assert statuses
    assert set(statuses) == {200}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "   "},
        {"query": "x" * 2001},
        {"query": "a", "top_k": -1},
        {"query": "a", "top_k": 10**9},
        {"query": "a", "colour": "red"},
        {"query": ["a"]},
        [],
    ],
)
def test_bad_requests_are_refused_with_the_reason(served: Served, body: object) -> None:
    refused = httpx.post(f"{served.url}/rag", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert {"title", "detail", "request_id"} <= set(refused.json())


def test_an_author_that_nobody_is_has_written_nothing(served: Served) -> None:
    told = served.ask(PUMP, filters={"authors": ["Nobody At All"]})
    assert told.status_code == 200
    assert (told.json()["grounded"], told.json()["citations"]) == (False, [])


def test_health_metrics_and_the_openapi_page(served: Served) -> None:
    served.ask(PUMP, top_k=2)
    assert httpx.get(f"{served.url}/livez").status_code == 200
    ready = httpx.get(f"{served.url}/readyz").json()
    assert ready["ready"]
    names = [part["name"] for part in ready["parts"] if part["ok"]]
    chat_model = f"chat model local:{served.workplace.model}"
    assert names == ["mongo", "qdrant", "embedding model", chat_model]
    metrics = httpx.get(f"{served.url}/metrics").text
    for line in (
        'rag_request_seconds_count{route="/rag",status="200"} ',
        'rag_stage_seconds_count{stage="retrieve"} ',
        'rag_tokens_count{kind="output"} ',
    ):
        assert float(metrics.partition(line)[2].split()[0]) >= 1.0, line
    counters = served.workplace.data.glob("bentoml/*/prometheus_multiproc_dir/histogram_*.db")
    assert list(counters), "another service on this machine has its own"
    assert "/rag" in httpx.get(f"{served.url}/openapi.json").json()["paths"]
    assert httpx.get(f"{served.url}/docs").status_code == 200


def test_openais_client_asks_a_question_and_one_that_follows_on_it(served: Served) -> None:
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0)
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": PUMP}]
    first = client.chat.completions.create(model="rag", messages=messages)
    again = client.chat.completions.create(model="rag", messages=messages)
    told = first.choices[0].message
    assert told.annotations
    assert told.annotations[0].url_citation.url.endswith("/pump.html")
    assert again.choices[0].message.content == told.content
    assert again.model_extra
    assert again.model_extra["cached"] is (again.model_extra["mode"] == "generated")
    messages += [
        {"role": "assistant", "content": told.content},
        {"role": "user", "content": "And when does it stop?"},
    ]
    stream = client.chat.completions.create(model="rag", messages=messages, stream=True)
    *_, last = stream
    assert last.choices[0].finish_reason == "stop"
    assert last.model_extra
    rewritten = last.model_extra["question"] != "And when does it stop?"
    assert rewritten is ("conversation" not in last.model_extra["degraded"])
    vectors = client.embeddings.create(model=EMBEDDER, input=["ebb", "flood"])
    assert len(vectors.data[1].embedding) == 384


def test_the_page_answers(served: Served) -> None:
    seen = page_client.asked(served.url, PUMP)
    assert seen[-1]["success"], seen[-1]
    text = json.dumps(seen)
    assert "/pump.html" in text
    assert "#q1-s1-quote" in text
