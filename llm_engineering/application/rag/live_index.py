"""Whether the live index can be searched with the embedding model that is set."""

from llm_engineering.application.ports.models import EmbeddingModel
from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.domain.releases import Generation


def searchable(index: ChunkIndex, model: EmbeddingModel, model_id: str) -> Generation:
    """Returns the live generation.

    `model_id` is what TEXT_EMBEDDING_MODEL_ID says.

    Raises:
        InvalidInput: nothing is indexed yet.
        ConfigurationError: it was embedded by another model; says what to type.
    """
    live = index.live()
    if live is None:
        raise InvalidInput("nothing is indexed yet: poe run-etl, then poe run-feature")
    if live.embedder != model.fingerprint:
        raise ConfigurationError(
            f"the live index {live.name} was embedded by another model than "
            f"TEXT_EMBEDDING_MODEL_ID={model_id}: poe run-feature builds one for it beside the "
            "live one and switches; or set the former model again"
        )
    return live
