"""Two feature runs at once, and whatever else happens in the middle of one: the index is whole."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from llm_engineering.application.corpus.forgetting import Request
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import ModelError, StoreUnavailable
from llm_engineering.domain.releases import Generation
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.encoders import HashingEmbeddingModel
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.feature import FeatureReport, run_feature
from tests.documents import VISITED, make_article
from tests.platforms import FEATURES, PAGES, InMemoryPlatform

ONE_BY_ONE = FEATURES.model_copy(
    update={"batch_documents": 1, "commit_documents": 1, "batch_size": 2}
)
SMALLER = ONE_BY_ONE.model_copy(
    update={"chunking": ChunkingConfig(chunk_tokens=40, heading_tokens=12)}
)
URLS = [f"https://example.org/{name}" for name in PAGES]


class Interrupted(InMemoryChunkIndex):
    """Does something else before the nth write, once."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited: dict[int, Callable[[], object]] = {}
        self._writes = 0

    def interrupt(self, write: int, do: Callable[[], object]) -> None:
        self.awaited[self._writes + write] = do

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        self._writes += 1
        self.awaited.pop(self._writes, lambda: None)()
        super().upsert(generation, chunks)


class Place:
    """A platform whose runs can be interrupted."""

    def __init__(self, folder: Path) -> None:
        self.platform = InMemoryPlatform(folder)
        self.index = Interrupted()
        self.platform.chunk_index = self.index
        for name, texts in PAGES.items():
            self.put(name, *texts)

    def put(self, name: str, *texts: str) -> None:
        body = "\n\n".join(f"## Rule {n} of {name}\n\n{text}" for n, text in enumerate(texts))
        url = f"https://example.org/{name}"
        self.platform.documents.save(make_article(body, url=url, title=f"The {name}"))

    def run(self, config: FeatureConfig = ONE_BY_ONE) -> FeatureReport:
        return run_feature(self.platform, config, SilentProgress())

    @property
    def live(self) -> Generation:
        live = self.index.live()
        assert live is not None
        return live

    def content(self) -> set[tuple[str, str]]:
        """Returns address and text of what can be found."""
        return {(chunk.url, chunk.text) for chunk in self.index.scroll(self.live)}

    def check(self) -> None:
        """Checks that the live index is what a first run over these documents makes."""
        seen: dict[tuple[UUID, str], list[int]] = {}
        for chunk in self.index.scroll(self.live):
            positions = seen.setdefault((chunk.document_id, chunk.revision), [])
            positions.append(chunk.position)
            assert chunk.position < chunk.total
        for (document, revision), positions in seen.items():
            (total,) = {
                chunk.total
                for chunk in self.index.scroll(self.live)
                if (chunk.document_id, chunk.revision) == (document, revision)
            }
            assert sorted(positions) == list(range(total)), "a document is not whole"
        assert set(seen) == set(self.platform.documents.current_revisions().items())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    assert not made.index.awaited, "nothing happened in the middle"


WRITES = [1, 2, 3, 4]


@pytest.mark.parametrize("write", WRITES)
def test_another_run_of_the_same_in_the_middle_changes_nothing(place: Place, write: int) -> None:
    others: list[FeatureReport] = []
    place.index.interrupt(write, lambda: others.append(place.run()))
    place.run()
    assert len(others) == 1
    assert others[0].ok
    place.check()
    again = place.run()
    assert (again.chunks_written, again.chunks_deleted, again.documents_changed) == (0, 0, 0)


@pytest.mark.parametrize("write", WRITES)
def test_a_page_that_changes_meanwhile_is_right_after_the_next_run(
    place: Place, write: int
) -> None:
    place.index.interrupt(write, lambda: place.put("pump", "The pump was taken out in spring."))
    place.run()
    place.run()
    place.check()
    assert any("taken out" in text for _, text in place.content())
    assert place.run().chunks_written == 0


@pytest.mark.parametrize("write", WRITES)
def test_a_newer_run_in_the_middle_is_not_undone(place: Place, write: int) -> None:
    """The older run planned with the revision of before."""

    def change_and_index() -> None:
        place.put("pump", "The pump was taken out in spring.")
        place.run()

    place.index.interrupt(write, change_and_index)
    place.run()
    place.run()
    place.check()
    assert place.run().chunks_written == 0


@pytest.mark.parametrize("write", WRITES)
def test_a_page_forgotten_in_the_middle_is_out_after_the_next_run(place: Place, write: int) -> None:
    request = Request(URLS[0], None, None)
    place.index.interrupt(write, lambda: place.platform.forgetting().forget(request))
    place.run()
    place.run()
    place.check()
    assert URLS[0] not in {url for url, _ in place.content()}
    assert place.platform.forgetting().look(request).complete


@pytest.mark.parametrize("write", WRITES)
def test_a_page_gone_in_the_middle_is_out_after_the_next_run(place: Place, write: int) -> None:
    gone = next(one.id for one in place.platform.documents.documents() if one.url == URLS[1])
    place.index.interrupt(
        write, lambda: place.platform.documents.mark_gone(gone, VISITED, "HTTP 404")
    )
    place.run()
    place.run()
    place.check()
    assert URLS[1] not in {url for url, _ in place.content()}


@pytest.mark.parametrize("write", WRITES)
def test_a_run_with_another_chunk_size_builds_its_own_generation(place: Place, write: int) -> None:
    place.run()
    first = place.live
    place.put("pump", *reversed(PAGES["pump"]))
    place.put("anchor", *reversed(PAGES["anchor"]))
    place.index.interrupt(min(write, 2), lambda: place.run(SMALLER))
    place.run()
    place.run(SMALLER)
    assert place.live != first
    place.check()
    assert place.run(SMALLER).chunks_written == 0


ENDS = [StoreUnavailable("qdrant is gone"), KeyboardInterrupt()]


@pytest.mark.parametrize("error", ENDS, ids=["outage", "Ctrl-C"])
@pytest.mark.parametrize("write", WRITES)
def test_a_run_that_ends_in_the_middle_is_completed_and_nothing_is_embedded_twice(
    place: Place, write: int, error: BaseException
) -> None:
    def end() -> None:
        raise error

    place.index.interrupt(write, end)
    with pytest.raises(type(error)):
        place.run()
    place.run()
    place.check()
    model = place.platform.embedding_model
    assert isinstance(model, HashingEmbeddingModel)
    under_way = 2  # chunks of a page
    assert model.embedded <= place.index.count(place.live) + under_way


@pytest.mark.parametrize("error", ENDS, ids=["outage", "Ctrl-C"])
@pytest.mark.parametrize("write", WRITES)
def test_half_of_a_new_generation_does_not_go_live(
    place: Place, write: int, error: BaseException
) -> None:
    def end() -> None:
        raise error

    place.run()
    first, before = place.live, place.content()
    place.index.interrupt(write, end)
    with pytest.raises(type(error)):
        place.run(SMALLER)
    assert place.live == first
    assert place.content() == before
    place.check()
    assert place.run(SMALLER).switched
    assert place.live != first
    place.check()


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_embedder_that_fails_in_the_middle_leaves_the_live_index(
    place: Place, after: int
) -> None:
    place.run()
    before = place.content()
    for name in PAGES:
        place.put(name, f"All about the {name} is written anew, in other words than before.")
    model, calls = place.platform.embedding_model, 0

    class Failing(HashingEmbeddingModel):
        def embed_passages(
            self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
        ) -> Sequence[tuple[float, ...]]:
            nonlocal calls
            calls += 1
            if calls > after:
                raise ModelError("out of memory")
            return super().embed_passages(texts, on_done)

    place.platform.embedding_model = Failing(dimension=64)
    with pytest.raises(ModelError):
        place.run()
    assert {url for url, _ in place.content()} == {url for url, _ in before}
    place.platform.embedding_model = model
    place.run()
    place.check()
