"""Texts of similar length run together, filled up to few different widths."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding

Ids = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float32]
# of a run of the graph, padding included: more would leave the processor's caches, and differ more
# in length
_TOKENS = 1536
BUCKET = 8  # sequence lengths are rounded up to a multiple: the graph is compiled per shape


def batches_by_length(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Yields the numbers of texts of similar length, longest first: little is padding."""
    order = sorted(range(len(encodings)), key=lambda row: -len(encodings[row]))
    start = 0
    while start < len(order):
        fit = max(1, _TOKENS // max(BUCKET, _width(len(encodings[order[start]]))))
        yield order[start : start + fit]
        start += fit


def padded(encodings: Sequence[Encoding], pad: int, limit: int) -> Mapping[str, Ids]:
    """Returns token ids, attention mask and segments, [B, S] each.

    S is a multiple of the bucket, or the limit.
    """
    longest = max(len(encoding) for encoding in encodings)
    width = min(_width(longest), limit)
    ids = np.full((len(encodings), width), pad, np.int64)
    mask = np.zeros((len(encodings), width), np.int64)
    segments = np.zeros((len(encodings), width), np.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding.ids
        mask[row, : len(encoding)] = 1
        segments[row, : len(encoding)] = encoding.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}


def _width(tokens: int) -> int:
    return -(-tokens // BUCKET) * BUCKET


def unit(vectors: Matrix) -> Matrix:
    """Returns the vectors with length 1 along the last axis."""
    squares = np.einsum("...h,...h->...", vectors, vectors)[..., np.newaxis]
    scaled: Matrix = vectors / np.maximum(np.sqrt(squares), np.float32(1e-12))
    return scaled
