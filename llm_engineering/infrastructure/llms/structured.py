"""Answers in the shape of a schema."""

from operator import itemgetter
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import BaseModel

from llm_engineering.domain.errors import ModelError


def json_schema_of(schema: dict[str, Any] | type) -> dict[str, Any]:
    """Returns the JSON schema of a pydantic class, a TypedDict or a schema."""
    return convert_to_json_schema(schema)


def parsed_by(
    model: Runnable[LanguageModelInput, AIMessage],
    schema: dict[str, Any] | type,
    *,
    include_raw: bool,
) -> Runnable[LanguageModelInput, Any]:
    """Returns the model followed by the schema's parser, in LangChain's two forms."""
    parser = RunnableLambda(_refuse_cut) | _parser(schema)
    if not include_raw:
        return model | parser
    parsed = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")


def _parser(schema: dict[str, Any] | type) -> BaseOutputParser[Any]:
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def _refuse_cut(message: BaseMessage) -> BaseMessage:
    if message.response_metadata.get("finish_reason") == "length":
        raise ModelError("the answer was cut by the token limit before its JSON was complete")
    return message
