"""OpenAI's wire format, and what an answer has beyond it.

Options that only steer how a model writes (`temperature`, `max_tokens`, ...) are taken and have no
effect: the service's settings decide. Options that would change what comes back are refused.
"""

from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_serializer,
    model_validator,
)

from llm_engineering.application.rag.history import PastReport
from llm_engineering.domain.answers import AnswerMode, Verification
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.serving.schemas import CitationOut, Day, TopK

MAX_MESSAGES = 200
MAX_INPUTS = 2048  # OpenAI's own bound
_LONGEST_NAME = 200
_NO_EFFECT = frozenset(
    {
        "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "user",
        "presence_penalty", "frequency_penalty", "logit_bias", "top_logprobs", "reasoning_effort",
        "verbosity", "store", "metadata", "service_tier", "prompt_cache_key", "safety_identifier",
        "tool_choice", "parallel_tool_calls", "function_call",
    }
)  # fmt: skip


class TextPart(BaseModel):
    """A part of a message; others than text cannot be read."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message. Those of other roles than user and assistant are not read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart] | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _text_only(cls, value: object) -> object:
        parts = value if isinstance(value, list) else []
        if any(isinstance(part, dict) and part.get("type") != "text" for part in parts):
            raise ValueError("only parts of the type 'text' can be read")
        return value

    @property
    def text(self) -> str:
        """Returns its text, of all parts."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """Whether a last chunk with the usage is asked for."""

    include_usage: bool = False


def _without(given: object, names: frozenset[str]) -> object:
    if not isinstance(given, dict):
        return given
    return {name: value for name, value in given.items() if name not in names}


class ChatRequest(BaseModel):
    """The last message is the question; earlier ones say what it follows on.

    `model` is `rag`, or one of the chat models that the service lets requests name. `filters`,
    `top_k`, `verify` and `as_of` are those of `/rag`. A streamed answer comes when it was checked;
    with `unchecked` the model's words come as it writes them, and the last chunk has the checked
    `answer`.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "model": "rag",
                    "messages": [
                        {"role": "user", "content": "How do I make a dataclass immutable?"}
                    ],
                }
            ]
        },
    )

    model: str = Field(min_length=1, max_length=_LONGEST_NAME)
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    tools: list[object] | None = Field(default=None, max_length=0)
    functions: list[object] | None = Field(default=None, max_length=0)
    logprobs: Literal[False] | None = None
    response_format: dict[str, object] | None = None
    filters: SearchFilters = SearchFilters()
    top_k: TopK = None
    verify: Verification = Verification.FLAG
    as_of: Day = None
    unchecked: bool = False

    @model_validator(mode="before")
    @classmethod
    def _what_has_an_effect(cls, given: object) -> object:
        return _without(given, _NO_EFFECT)

    @field_validator("response_format")
    @classmethod
    def _text(cls, value: dict[str, object] | None) -> dict[str, object] | None:
        if value and value.get("type") != "text":
            raise ValueError("answers are text: only {'type': 'text'} is possible")
        return value


class UrlCitation(BaseModel):
    """The page that a mark stands for, and where the mark is: `start_index` up to `end_index`."""

    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(BaseModel):
    """A mark `[n]` of the text."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The only one."""

    index: Literal[0] = 0
    message: AssistantMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class TokenUsage(BaseModel):
    """Tokens read and written by the chat model."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Checked(BaseModel):
    """What `/rag` says of an answer, beyond OpenAI's format."""

    question: str
    citations: list[CitationOut]
    nearest: list[CitationOut]
    unsupported: list[tuple[int, int]]
    grounded: bool
    mode: AnswerMode
    degraded: tuple[str, ...]
    relaxed: tuple[str, ...]
    cached: bool
    release: str
    as_of: PastReport | None
    request_id: str


class Completion(Checked):
    """An answer in OpenAI's format."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: TokenUsage


class Delta(BaseModel):
    """A piece of the answer."""

    role: Literal["assistant"] | None = None
    content: str | None = None

    @model_serializer
    def _what_there_is(self) -> dict[str, str]:
        return {name: value for name, value in self if value is not None}


class ChunkChoice(BaseModel):
    """The only one."""

    index: Literal[0] = 0
    delta: Delta
    finish_reason: Literal["stop"] | None = None


class Chunk(BaseModel):
    """A piece of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: TokenUsage | None = None


class LastChunk(Chunk, Checked):
    """The end of the text, and the whole `answer` as it was checked."""

    answer: str


class EmbeddingRequest(BaseModel):
    """Texts to embed as questions are; `dimensions` can only be what the model has."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"model": "embedding", "input": ["When is low tide?"]}]},
    )

    model: str = Field(min_length=1, max_length=_LONGEST_NAME)
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _what_has_an_effect(cls, given: object) -> object:
        return _without(given, frozenset({"user"}))

    @field_validator("input", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        if isinstance(value, list) and any(not isinstance(one, str) for one in value):
            raise ValueError(
                "send text: tokens are of a model's own making (LangChain's OpenAIEmbeddings sends"
                " text with check_embedding_ctx_length=False)"
            )
        return value

    @field_validator("input")
    @classmethod
    def _some(cls, value: str | list[str]) -> str | list[str]:
        texts = [value] if isinstance(value, str) else value
        if not 1 <= len(texts) <= MAX_INPUTS:
            raise ValueError(f"send 1 to {MAX_INPUTS} texts, not {len(texts)}")
        if not all(text.strip() for text in texts):
            raise ValueError("a text is blank")
        return value

    @property
    def texts(self) -> list[str]:
        """Returns the texts, in order."""
        return [self.input] if isinstance(self.input, str) else self.input


class Embedding(BaseModel):
    """The vector (unit length) of a text; base64 has it as little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens read by the embedding model."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """A vector for each text, in order."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(BaseModel):
    """A name that requests may use."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class Models(BaseModel):
    """All names that requests may use."""

    object: Literal["list"] = "list"
    data: list[Model]


class ErrorBody(BaseModel):
    """What went wrong; `param` and `code` as OpenAI names them."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorResponse(BaseModel):
    """An error in OpenAI's format."""

    error: ErrorBody
