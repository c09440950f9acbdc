"""OpenAI's own client, and LangChain's, against the service on a real port."""

import os
import socket
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

import openai
import pytest
import uvicorn
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai.types.chat import ChatCompletionMessageParam
from pydantic import SecretStr

from llm_engineering.application.access.keys import make_key
from llm_engineering.application.rag.generation import Event, Sources, Token
from llm_engineering.domain.answers import AnswerRequest, Turn
from llm_engineering.domain.api_keys import Scope
from llm_engineering.domain.errors import ModelError, StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.infrastructure.in_memory.api_key_store import InMemoryApiKeyStore
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.serving.access import KeyRing, OpenTo
from llm_engineering.serving.api import create_app
from llm_engineering.serving.deployment import Deployment
from tests.unit.serving.oracle import ANSWER, CHUNK, FOUND, Oracle

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "When does the tide turn?"}]


class Service:
    """A service on a real port; `oracle` answers, and can be exchanged between requests."""

    def __init__(self) -> None:
        self.oracle = Oracle()
        store = InMemoryApiKeyStore()
        key, self.token = make_key("ada", (Scope.READ,), SearchFilters(), NOON, os.urandom)
        store.add(key)
        deployment = Deployment(
            open_to=OpenTo.NOBODY,
            keys=KeyRing(store),
            models=("local:tiny",),
            embedder=HashingEmbeddingModel(),
            embedder_name="hashing",
        )
        app = create_app(lambda: self.oracle, lambda: deployment)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    def client(self, token: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=token or self.token, max_retries=0)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def _running() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def service(_running: Service) -> Service:
    _running.oracle = Oracle()
    return _running


@pytest.fixture
def chat(service: Service) -> ChatOpenAI:
    return ChatOpenAI(model="rag", base_url=service.url, api_key=SecretStr(service.token))


def test_the_openai_client_gets_the_answer_with_its_citations(service: Service) -> None:
    completion = service.client().chat.completions.create(model="rag", messages=ASK)
    message = completion.choices[0].message
    assert message.content == ANSWER.text
    assert message.annotations
    assert message.annotations[0].url_citation.url == CHUNK.url
    assert completion.usage
    assert completion.usage.total_tokens == 13
    assert completion.model_extra
    assert completion.model_extra["grounded"] is True
    assert [one["quote"] for one in completion.model_extra["citations"]] == ["The tide turns."]


def test_the_openai_client_asks_with_the_extras_of_rag(service: Service) -> None:
    extras = {"top_k": 3, "verify": "strict", "filters": {"authors": ["Ada Lovelace"]}}
    service.client().chat.completions.create(
        model="local:tiny", messages=ASK, temperature=0.3, extra_body=extras
    )
    (request,) = service.oracle.requests
    assert (request.k, request.verify, request.model) == (3, "strict", "local:tiny")
    assert request.query.filters.authors == ("Ada Lovelace",)


def test_the_openai_client_reads_the_stream(service: Service) -> None:
    stream = service.client().chat.completions.create(
        model="rag", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    told = [one.choices[0].delta.content for one in chunks if one.choices]
    assert "".join(filter(None, told)) == ANSWER.text
    assert len(told) > 3
    *_, end, usage = chunks
    assert end.choices[0].finish_reason == "stop"
    assert end.model_extra
    assert end.model_extra["grounded"] is True
    assert usage.usage
    assert usage.usage.completion_tokens == 3


def test_the_streaming_helper_of_the_openai_client_works(service: Service) -> None:
    with service.client().chat.completions.stream(model="rag", messages=ASK) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    assert message.content == ANSWER.text


def test_a_stream_that_breaks_raises_in_the_openai_client(service: Service) -> None:
    service.oracle = Oracle(late=ModelError("it hung up"))
    stream = service.client().chat.completions.create(model="rag", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="The model did not answer"):
        list(stream)


def test_the_openai_client_raises_its_own_errors(service: Service) -> None:
    client = service.client()
    with pytest.raises(openai.AuthenticationError, match="not valid"):
        service.client("llmp_wrong").chat.completions.create(model="rag", messages=ASK)
    with pytest.raises(openai.NotFoundError, match="'gpt-4o'") as missing:
        client.chat.completions.create(model="gpt-4o", messages=ASK)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="n: ") as invalid:
        client.chat.completions.create(model="rag", messages=ASK, n=3)
    assert invalid.value.param == "n"
    service.oracle = Oracle(StoreUnavailable("10.0.0.7"))
    with pytest.raises(openai.InternalServerError) as down:
        client.chat.completions.create(model="rag", messages=ASK)
    assert (down.value.status_code, "10.0.0.7" in str(down.value)) == (503, False)


def test_the_openai_client_lists_and_finds_models(service: Service) -> None:
    client = service.client()
    assert [one.id for one in client.models.list()] == ["rag", "local:tiny", "hashing"]
    assert client.models.retrieve("local:tiny").owned_by == "llm-pipeline-system"


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_the_openai_client_gets_the_vectors(service: Service, encoding: str | None) -> None:
    embeddings = service.client().embeddings
    texts = ["ebb", "flood"]
    if encoding == "float":
        made = embeddings.create(model="hashing", input=texts, encoding_format="float")
    elif encoding == "base64":
        made = embeddings.create(model="hashing", input=texts, encoding_format="base64")
    else:  # base64, which the client decodes
        made = embeddings.create(model="hashing", input=texts)
    vectors = [
        struct.unpack("<32f", b64decode(one.embedding))  # type: ignore[arg-type]
        if encoding == "base64"
        else one.embedding
        for one in made.data
    ]
    for vector, expected in zip(vectors, HashingEmbeddingModel().embed_queries(texts), strict=True):
        assert vector == pytest.approx(expected)
    assert made.usage.total_tokens == 2


def test_langchain_chats_with_the_corpus(service: Service, chat: ChatOpenAI) -> None:
    answer = chat.invoke(
        [
            SystemMessage("Be brief."),
            HumanMessage("What is a tide?"),
            AIMessage("Water [1]."),
            HumanMessage("When does it turn?"),
        ]
    )
    assert answer.text == ANSWER.text
    assert answer.usage_metadata
    assert answer.usage_metadata["total_tokens"] == 13
    (request,) = service.oracle.requests
    assert request.query.text == "When does it turn?"
    assert request.history == (
        Turn(role="user", text="What is a tide?"),
        Turn(role="assistant", text="Water [1]."),
    )


def test_langchain_streams_the_answer(chat: ChatOpenAI) -> None:
    pieces = [piece.text for piece in chat.stream("When?")]
    assert "".join(pieces) == ANSWER.text
    assert len(pieces) > 3


def test_a_runnable_of_langchain_streams_what_is_written(service: Service) -> None:
    chat = ChatOpenAI(
        model="rag",
        base_url=service.url,
        api_key=SecretStr(service.token),
        extra_body={"unchecked": True},
    )
    chain = ChatPromptTemplate([("human", "{question}")]) | chat | StrOutputParser()
    assert "".join(chain.stream({"question": "When?"})) == "It turns."


def test_langchain_embeds_with_the_model_of_the_index(service: Service) -> None:
    embeddings = OpenAIEmbeddings(
        model="hashing",
        openai_api_base=service.url,
        openai_api_key=SecretStr(service.token),
        check_embedding_ctx_length=False,
    )
    own = HashingEmbeddingModel()
    assert embeddings.embed_query("ebb") == pytest.approx(own.embed_query("ebb"))
    vectors = embeddings.embed_documents(["ebb", "flood"])
    assert vectors[1] == pytest.approx(own.embed_query("flood"))


def test_who_hangs_up_stops_the_model(service: Service) -> None:
    class Endless(Oracle):
        closed = threading.Event()

        def stream(self, request: AnswerRequest) -> Generator[Event, None, None]:
            try:
                yield Sources(FOUND)
                while True:
                    time.sleep(0.01)  # as a model writes
                    yield Token("more ")
            finally:
                self.closed.set()

    service.oracle = Endless()
    stream = service.client().chat.completions.create(
        model="rag", messages=ASK, stream=True, extra_body={"unchecked": True}
    )
    for _ in range(3):
        next(iter(stream))
    stream.close()
    assert Endless.closed.wait(10)
