import pytest
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

from llm_engineering.application.rag.prices import REPORTED_COST, Price, cost_usd, parse_prices
from llm_engineering.domain.errors import ConfigurationError

USAGE = UsageMetadata(input_tokens=2_000_000, output_tokens=500_000, total_tokens=2_500_000)
PRICE = Price(0.15, 0.6)


def test_a_price_is_per_million_tokens_each_way() -> None:
    assert PRICE.of(2_000_000, 500_000) == pytest.approx(0.6)
    assert PRICE.of(0, 0) == 0


def test_prices_are_read_by_reference() -> None:
    text = " openai:gpt-4o-mini=0.15/0.60 ,google:gemini-2.5-flash=0.3/2.5,"
    assert parse_prices(text) == {
        "openai:gpt-4o-mini": PRICE,
        "google:gemini-2.5-flash": Price(0.3, 2.5),
    }
    assert parse_prices("") == {}


@pytest.mark.parametrize("entry", ["a", "a=1", "a=1/2/3", "=1/2", "a=-1/2", "a=x/2", "a=1/"])
def test_what_is_no_price_is_named(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="LLM_PRICES") as refused:
        parse_prices(f"openai:a=1/2,{entry}")
    assert repr(entry) in str(refused.value)
    assert "openai:gpt-4o-mini=0.15/0.60" in str(refused.value)


@pytest.mark.parametrize(
    ("message", "price", "cost"),
    [
        (AIMessage("a", usage_metadata=USAGE), PRICE, 0.6),
        (AIMessage("a", usage_metadata=USAGE), None, None),
        (AIMessage("a"), PRICE, None),
        (AIMessage("a", usage_metadata=USAGE, response_metadata={REPORTED_COST: 7}), PRICE, 7.0),
        (AIMessage("a", response_metadata={REPORTED_COST: 0.0}), None, 0.0),
    ],
    ids=["priced", "no price", "not counted", "reported", "reported free"],
)
def test_the_providers_own_figure_counts_first(
    message: AIMessage, price: Price | None, cost: float | None
) -> None:
    found = cost_usd(message, price)
    assert found is None if cost is None else found == pytest.approx(cost)
