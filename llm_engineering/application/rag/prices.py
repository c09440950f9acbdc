"""What an answer cost: as the provider reported it, or by the prices of the settings."""

from dataclasses import dataclass

from langchain_core.messages import AIMessage

from llm_engineering.domain.errors import ConfigurationError

REPORTED_COST = "reported_cost_usd"

_TOKENS = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens that a model reads, and that it writes."""

    input_usd: float
    output_usd: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Returns the dollars for so many tokens."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / _TOKENS


def parse_prices(text: str) -> dict[str, Price]:
    """Returns the prices of `openai:gpt-4o-mini=0.15/0.60, google:gemini-2.5-flash=0.30/2.50`.

    Raises:
        ConfigurationError: names the entry that is none.
    """
    return dict(_entry(entry.strip()) for entry in text.split(",") if entry.strip())


def _entry(entry: str) -> tuple[str, Price]:
    reference, _, price = entry.rpartition("=")
    try:
        read, written = (float(part) for part in price.split("/"))
    except ValueError:
        read = written = -1.0
    if reference and min(read, written) >= 0:
        return reference, Price(read, written)
    raise ConfigurationError(
        f"LLM_PRICES: {entry!r} is no PROVIDER:MODEL=INPUT/OUTPUT in US dollars per million tokens,"
        " such as openai:gpt-4o-mini=0.15/0.60"
    )


def cost_usd(message: AIMessage, price: Price | None) -> float | None:
    """Returns what a message cost, in US dollars; None where nobody says it.

    The provider's own figure counts, if it reports one.
    """
    reported = message.response_metadata.get(REPORTED_COST)
    if reported is not None:
        return float(reported)
    counted = message.usage_metadata
    if price is None or counted is None:
        return None
    return price.of(counted["input_tokens"], counted["output_tokens"])
