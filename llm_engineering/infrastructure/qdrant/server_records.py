"""What is said to a Qdrant server, in the client's own types; and the client's errors in ours.

The client is imported inside the functions: that takes longer than a second.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from llm_engineering.domain.embedded_chunks import (
    EmbeddedChunk,
    SparseVector,
    dense_sum,
    sparse_sum,
)
from llm_engineering.domain.errors import ConfigurationError, InvalidInput, StoreUnavailable
from llm_engineering.domain.queries import Arm, EmbeddedQuery, SearchFilters
from llm_engineering.infrastructure.qdrant.points import (
    DENSE,
    SPARSE,
    Restriction,
    embedded_chunk_of,
    payload_of,
    restrictions,
)

if TYPE_CHECKING:
    from qdrant_client import models

_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404


def vector_params(dimension: int) -> "dict[str, models.VectorParams]":
    """Returns the dense vector of a collection."""
    from qdrant_client import models  # noqa: PLC0415

    return {DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)}


def sparse_vector_params() -> "dict[str, models.SparseVectorParams]":
    """Returns the sparse vector of a collection."""
    from qdrant_client import models  # noqa: PLC0415

    return {SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)}


def payload_schema(kind: str) -> "models.PayloadSchemaType":
    """Returns the kind of a payload index."""
    from qdrant_client import models  # noqa: PLC0415

    return models.PayloadSchemaType(kind)


def move_alias(alias: str, collection: str, *, exists: bool) -> "list[models.AliasOperations]":
    """Returns what points the alias to the collection, in one step."""
    from qdrant_client import models  # noqa: PLC0415

    delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    create = models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
    )
    return [delete, create] if exists else [create]


def point_of(chunk: EmbeddedChunk) -> "models.PointStruct":
    """Returns the point of a chunk."""
    from qdrant_client import models  # noqa: PLC0415

    vectors: dict[str, models.Vector] = {
        DENSE: list(chunk.embedding),
        SPARSE: sparse_of(chunk.sparse),
    }
    return models.PointStruct(id=str(chunk.id), vector=vectors, payload=payload_of(chunk))


def sparse_of(vector: SparseVector) -> "models.SparseVector":
    """Returns term weights."""
    from qdrant_client import models  # noqa: PLC0415

    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def candidates_request(query: EmbeddedQuery, by: Arm, limit: int) -> "models.QueryRequest":
    """Returns a search for ids alone."""
    from qdrant_client import models  # noqa: PLC0415

    return models.QueryRequest(
        query=list(query.embedding) if by == DENSE else sparse_of(query.sparse),
        using=by,
        limit=limit,
        filter=filter_of(query.filters),
        with_payload=False,
    )


def alike_requests(
    wanted: "Sequence[models.Record]", among: Sequence[UUID]
) -> "dict[Arm, models.QueryRequest]":
    """Returns searches among those ids for what is like the records, which have their vectors.

    Raises:
        StoreUnavailable: one has not the vectors of a chunk.
    """
    from qdrant_client import models  # noqa: PLC0415

    vectors = [_vectors_of(record) for record in wanted]
    terms = sparse_sum([sparse for _, sparse in vectors])
    asked: dict[Arm, list[float] | models.SparseVector] = {
        "dense": list(dense_sum([dense for dense, _ in vectors]))
    }
    if terms.indices:
        asked["sparse"] = sparse_of(terms)
    only = models.Filter(must=[models.HasIdCondition(has_id=[str(i) for i in among])])
    return {
        arm: models.QueryRequest(
            query=vector, using=arm, limit=len(among), filter=only, with_payload=False
        )
        for arm, vector in asked.items()
    }


def embedded_chunk_from(record: "models.Record") -> EmbeddedChunk:
    """Returns the chunk of a record that came with its vectors.

    Raises:
        StoreUnavailable: it has not the vectors of a chunk.
    """
    dense, sparse = _vectors_of(record)
    return embedded_chunk_of(str(record.id), record.payload or {}, dense, sparse)


def _vectors_of(record: "models.Record") -> tuple[list[float], SparseVector]:
    from qdrant_client import models  # noqa: PLC0415

    vectors = record.vector if isinstance(record.vector, dict) else {}
    dense, sparse = vectors.get(DENSE), vectors.get(SPARSE)
    if not isinstance(dense, list) or not isinstance(sparse, models.SparseVector):
        raise StoreUnavailable(f"the Qdrant point {record.id} has not the vectors of a chunk")
    weights = SparseVector(indices=tuple(sparse.indices), values=tuple(sparse.values))
    return [value for value in dense if isinstance(value, float)], weights


def filter_of(filters: SearchFilters) -> "models.Filter | None":
    """Returns the conditions, None when there are none."""
    from qdrant_client import models  # noqa: PLC0415

    conditions: list[models.Condition] = [_condition(r) for r in restrictions(filters)]
    return models.Filter(must=conditions) if conditions else None


def _condition(restriction: Restriction) -> "models.FieldCondition":
    from qdrant_client import models  # noqa: PLC0415

    if restriction.values:
        match = models.MatchAny(any=list(restriction.values))
        return models.FieldCondition(key=restriction.field, match=match)
    span = models.DatetimeRange(gte=restriction.start, lte=restriction.end)
    return models.FieldCondition(key=restriction.field, range=span)


@contextmanager
def server_errors(server: str) -> Iterator[None]:
    """Turns the client's errors inside the block into ours. The API key is in none of them."""
    from qdrant_client.http.exceptions import (  # noqa: PLC0415
        ApiException,
        UnexpectedResponse,
    )

    try:
        yield
    except UnexpectedResponse as error:
        reason = f"Qdrant at {server}: HTTP {error.status_code} {error.reason_phrase}"
        if error.status_code in _UNAUTHORIZED:
            raise ConfigurationError(f"{reason}: check QDRANT_APIKEY") from error
        if error.status_code == _NOT_FOUND:
            raise InvalidInput(f"{reason}: no such index generation") from error
        raise StoreUnavailable(reason) from error
    except ApiException as error:  # no answer, or one that is not Qdrant's
        raise StoreUnavailable(f"Qdrant at {server} does not answer: {_one_line(error)}") from error
    except ValueError as error:  # how the client's local mode says not found
        raise InvalidInput(f"Qdrant at {server}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
