"""Splits samples into training and test by document."""

import random
from collections.abc import Sequence

from llm_engineering.domain.dataset import InstructDataset, InstructDatasetSample
from llm_engineering.domain.errors import InvalidInput


def split_by_document(
    samples: Sequence[InstructDatasetSample], test_share: float, seed: int
) -> InstructDataset:
    """Returns the samples of a `test_share` of the documents as test, the others as training.

    Each side has at least one document; the order of the samples is kept.

    Raises:
        InvalidInput: the samples come from fewer than two documents.
    """
    documents = sorted({sample.document_id for sample in samples})
    if len(documents) < 2:  # noqa: PLR2004 - one for each side
        raise InvalidInput(
            f"samples come from {len(documents)} document(s); a split needs at least 2: "
            "crawl and index more pages first"
        )
    random.Random(seed).shuffle(documents)  # noqa: S311 - a split is no secret
    count = min(max(1, round(test_share * len(documents))), len(documents) - 1)
    held_out = set(documents[:count])
    return InstructDataset(
        train=tuple(s for s in samples if s.document_id not in held_out),
        test=tuple(s for s in samples if s.document_id in held_out),
    )
