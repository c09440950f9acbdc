"""Every suite here runs over the stand-in and over Qdrant in both forms."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from llm_engineering.application.ports.storage import ChunkIndex
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.qdrant.edge import EdgeChunkIndex
from llm_engineering.infrastructure.qdrant.server import ServerChunkIndex
from tests.contracts.chunk_index.index_making import GENERATION, Open

SERVER_URL = "LLMP_QDRANT_URL"
_MEMORY = Path("/dev/shm")


def in_memory(_: Path) -> Iterator[Open]:
    index = InMemoryChunkIndex()
    yield lambda: index


def edge(folder: Path) -> Iterator[Open]:
    yield lambda: EdgeChunkIndex(folder)


def edge_with_graph(folder: Path) -> Iterator[Open]:
    yield lambda: EdgeChunkIndex(folder, exact_limit=1)


def client_in_local_mode(_: Path) -> Iterator[Open]:
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant")
        yield lambda: ServerChunkIndex(client)


def server(_: Path) -> Iterator[Open]:
    url = os.environ.get(SERVER_URL)
    if url is None:
        pytest.skip(f"{SERVER_URL} names no Qdrant server")
    index = ServerChunkIndex.connect(url)
    if index.generations():
        pytest.skip(f"the server of {SERVER_URL} is not empty")
    yield lambda: ServerChunkIndex.connect(url)
    client = index._client
    for collection in client.get_collections().collections:
        client.delete_collection(collection.name)


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: these tests commit often, and disks are slow."""
    if not os.access(_MEMORY, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=_MEMORY) as folder:
        yield Path(folder)


KINDS = [in_memory, edge, edge_with_graph, client_in_local_mode, server]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def open_index(request: pytest.FixtureRequest, memory_folder: Path) -> Iterator[Open]:
    """Opens further handles of one index."""
    handles: list[ChunkIndex] = []
    kind = request.param(memory_folder / "index")
    opener = next(kind)

    def open_handle() -> ChunkIndex:
        handles.append(opener())
        return handles[-1]

    yield open_handle
    next(kind, None)
    for handle in handles:
        handle.close()


@pytest.fixture
def index(open_index: Open) -> ChunkIndex:
    """An index with one empty generation, which is live."""
    index = open_index()
    index.create(GENERATION)
    index.switch(GENERATION)
    return index
