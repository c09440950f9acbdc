"""The whole feature pipeline over the in-memory stores."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from llm_engineering.application.preprocessing import cleaning
from llm_engineering.application.preprocessing.config import (
    ChunkingConfig,
    DuplicatesConfig,
    FeatureConfig,
)
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import Featurizer
from llm_engineering.domain.documents import ArticleDocument, Document
from llm_engineering.domain.embedded_chunks import EmbeddedChunk
from llm_engineering.domain.errors import ConfigurationError, IntegrityError, StoreUnavailable
from llm_engineering.domain.queries import SearchFilters
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.execution.in_process import InProcessExecutor
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.likeness_store import InMemoryLikenessStore
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.feature import FeatureReport, build_features
from tests.documents import VISITED, make_article, make_file, make_post

CONFIG = FeatureConfig(
    chunking=ChunkingConfig(chunk_tokens=32, heading_tokens=8), batch_size=4, commit_documents=2
)


class WatchedIndex(InMemoryChunkIndex):
    """Says what is asked of it, and fails when `calls_left` is used up, as a killed run does."""

    def __init__(self) -> None:
        super().__init__()
        self.calls_left = 10**9
        self.journal: list[str] = []

    def _note(self, call: str) -> None:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise StoreUnavailable("the index is gone")
        self.journal.append(call)

    def upsert(self, generation: Generation, chunks: Sequence[EmbeddedChunk]) -> None:
        self._note("upsert")
        super().upsert(generation, chunks)

    def delete(self, generation: Generation, chunk_ids: Sequence[UUID]) -> None:
        self._note("delete")
        super().delete(generation, chunk_ids)

    def commit(self, generation: Generation) -> None:
        self._note("commit")
        super().commit(generation)

    def switch(self, generation: Generation) -> None:
        self._note("switch")
        super().switch(generation)


class World:
    """The collaborators of a run."""

    def __init__(self, *documents: Document) -> None:
        self.store = InMemoryDocumentStore()
        self.likenesses = InMemoryLikenessStore()
        self.index = WatchedIndex()
        self.model = HashingEmbeddingModel()
        self.save(*documents)

    def save(self, *documents: Document) -> None:
        for document in documents:
            self.store.save(document)

    def run(
        self, config: FeatureConfig = CONFIG, progress: SilentProgress | None = None
    ) -> FeatureReport:
        self.index.journal.clear()
        sparse = WordSparseEncoder()

        def make_featurizer() -> Featurizer:
            chunking = ChunkingDispatcher(self.model, config.chunking)
            embedding = EmbeddingDispatcher(self.model, sparse)
            return Featurizer(chunking, embedding, config.batch_size)

        return build_features(
            self.store,
            self.likenesses,
            self.index,
            self.model,
            sparse,
            InProcessExecutor(),
            make_featurizer,
            config,
            SilentProgress() if progress is None else progress,
        )

    def chunks(self, *documents: Document) -> list[EmbeddedChunk]:
        live = self.index.live()
        assert live
        filters = SearchFilters(document_ids=tuple(document.id for document in documents))
        found = self.index.scroll(live, filters)
        return sorted(found, key=lambda chunk: (chunk.document_id, chunk.position))


def paragraphs(*words: str) -> str:
    """Returns a text of which every paragraph fills a chunk of its own."""
    return "\n\n".join(" ".join([word] * 20) for word in words)


ARTICLE = make_article(paragraphs("alpha", "beta", "gamma"), title="")
POST = make_post("A short post.")
FILE = make_file("def answer() -> int:\n    return 42\n")


def test_the_first_run_indexes_everything_and_makes_it_live() -> None:
    world = World(ARTICLE, POST, FILE)
    report = world.run()
    assert (report.documents_seen, report.documents_changed) == (3, 3)
    assert (report.chunks_written, report.chunks_embedded, report.chunks_reused) == (5, 5, 0)
    assert report.switched and report.ok
    assert {chunk.category for chunk in world.chunks()} == set(DataCategory)
    assert [chunk.text for chunk in world.chunks(POST)] == ["A short post."]
    assert world.store.counts()["cleaned"] == 3
    assert {"plan", "clean", "chunk", "embed", "write index"} <= report.cpu_s.keys()


def test_a_second_run_reads_embeds_and_writes_nothing() -> None:
    world = World(ARTICLE, POST, FILE)
    world.run()
    world.store.revision = world.store.cleaned = None  # type: ignore[method-assign, assignment]
    embedded = world.model.embedded
    report = world.run()
    assert (report.documents_unchanged, report.documents_changed) == (3, 0)
    assert (report.chunks_written, report.chunks_deleted, report.switched) == (0, 0, False)
    assert (world.model.embedded, world.index.journal) == (embedded, [])


def test_a_changed_paragraph_is_all_that_is_embedded_again() -> None:
    world = World(ARTICLE, POST)
    world.run()
    changed = make_article(paragraphs("alpha", "delta", "gamma"), title="")
    world.save(changed)
    report = world.run()
    assert (report.documents_changed, report.documents_unchanged) == (1, 1)
    assert (report.chunks_embedded, report.chunks_reused, report.chunks_deleted) == (1, 2, 3)
    assert [c.text.split()[0] for c in world.chunks(ARTICLE)] == ["alpha", "delta", "gamma"]
    assert {chunk.revision for chunk in world.chunks(ARTICLE)} == {changed.revision}


def test_new_chunks_are_written_before_old_ones_go() -> None:
    world = World(ARTICLE)
    world.run()
    world.save(make_article(paragraphs("delta"), title=""))
    world.run()
    assert world.index.journal == ["upsert", "delete", "commit"]


def test_a_page_that_became_shorter_leaves_nothing_behind() -> None:
    world = World(ARTICLE)
    world.run()
    world.save(make_article(paragraphs("alpha"), title=""))
    report = world.run()
    assert (report.chunks_reused, report.chunks_deleted) == (1, 3)
    assert len(world.chunks()) == 1


def test_equal_passages_are_embedded_once_and_kept_in_each_document() -> None:
    world = World(make_post("same", url="https://a.org/"), make_post("same", url="https://b.org/"))
    report = world.run()
    assert (report.chunks_written, report.chunks_embedded, report.chunks_reused) == (2, 1, 1)


def test_the_chunks_of_a_vanished_document_go() -> None:
    world = World(ARTICLE, POST)
    world.run()
    world.store.mark_gone(ARTICLE.id, VISITED, "HTTP 410")
    report = world.run()
    assert (report.documents_removed, report.chunks_deleted) == (1, 3)
    assert [chunk.document_id for chunk in world.chunks()] == [POST.id]
    assert world.index.journal == ["delete", "commit"]


def test_a_document_that_comes_back_is_indexed_again() -> None:
    world = World(ARTICLE, POST)
    world.run()
    world.store.mark_gone(ARTICLE.id, VISITED, "HTTP 404")
    world.run()
    world.save(ARTICLE)
    report = world.run()
    assert (report.documents_changed, report.documents_removed) == (1, 0)
    assert len(world.chunks(ARTICLE)) == 3


def many_posts() -> list[Document]:
    return [make_post(f"Post {n}.", url=f"https://example.org/{n}") for n in range(12)]


@pytest.mark.parametrize("calls", range(12))
def test_a_run_that_was_cut_off_anywhere_is_completed_by_the_next(calls: int) -> None:
    before = [make_article(paragraphs("alpha", "beta"), title=""), *many_posts()[:4]]
    world = World(*before)
    world.run()
    world.save(make_article(paragraphs("delta", "beta", "gamma"), title=""), *many_posts())
    world.store.mark_gone(before[1].id, VISITED, "HTTP 404")
    world.index.calls_left = calls
    try:
        world.run()
    except StoreUnavailable:
        world.index.calls_left = 10**9
        world.run()
    untouched = World(make_article(paragraphs("delta", "beta", "gamma"), title=""))
    untouched.save(*[post for post in many_posts() if post.id != before[1].id])
    untouched.run()
    assert world.chunks() == untouched.chunks()
    assert world.run().documents_changed == 0


def test_a_first_run_that_was_cut_off_goes_on_where_it_committed() -> None:
    world = World(*many_posts())
    world.index.calls_left = 5
    with pytest.raises(StoreUnavailable):
        world.run()
    world.index.calls_left = 10**9
    report = world.run()
    assert 0 < report.documents_unchanged < 12
    assert report.chunks_embedded == 12 - report.documents_unchanged
    assert len(world.chunks()) == 12


def test_half_a_document_is_completed_without_embedding_the_rest_again() -> None:
    world = World(ARTICLE)
    world.run()
    live = world.index.live()
    assert live
    world.index.delete(live, [world.chunks()[1].id])
    report = world.run()
    assert (report.chunks_written, report.chunks_embedded, report.chunks_deleted) == (1, 1, 0)
    assert len(world.chunks()) == 3


def test_another_chunk_size_is_built_beside_and_reuses_the_vectors_that_still_hold() -> None:
    world = World(ARTICLE, POST)
    world.run()
    first = world.index.live()
    assert first
    other = CONFIG.model_copy(
        update={"chunking": ChunkingConfig(chunk_tokens=31, heading_tokens=8)}
    )
    report = world.run(other)
    assert (report.chunks_written, report.chunks_embedded, report.switched) == (4, 0, True)
    assert world.index.live() != first
    assert world.index.count(first) == 4
    assert world.index.journal[-1] == "switch"


def test_old_generations_are_dropped_but_for_those_to_go_back_to() -> None:
    world = World(POST)
    for tokens in (20, 21, 22):
        before = world.index.live()
        chunking = ChunkingConfig(chunk_tokens=tokens, heading_tokens=8)
        world.run(CONFIG.model_copy(update={"chunking": chunking}))
    kept = [status.generation for status in world.index.generations() if not status.live]
    assert kept == [before]


def test_a_new_generation_that_loses_chunks_does_not_go_live() -> None:
    world = World(ARTICLE, POST)
    world.run()
    first = world.index.live()
    world.index.upsert = lambda *_: None  # type: ignore[method-assign]
    world.model = HashingEmbeddingModel(dimension=16)
    with pytest.raises(IntegrityError, match="2 documents that are not whole"):
        world.run()
    assert world.index.live() == first


def test_another_embedder_embeds_everything_anew() -> None:
    world = World(ARTICLE)
    world.run()
    world.model = HashingEmbeddingModel(dimension=16)
    report = world.run()
    assert (report.chunks_embedded, report.chunks_reused) == (3, 0)
    assert {len(chunk.embedding) for chunk in world.chunks()} == {16}


def test_cleaned_text_by_older_rules_is_made_again() -> None:
    world = World(POST)
    world.store.save_cleaned(
        cleaning.clean_document(POST).model_copy(update={"cleaner": "old", "content": "stale"})
    )
    world.run()
    assert [chunk.text for chunk in world.chunks()] == ["A short post."]


def test_a_document_without_text_is_counted_and_not_an_error() -> None:
    world = World(make_post(" \n ", url="https://example.org/empty"), POST)
    for _ in range(2):
        report = world.run()
        assert (report.documents_empty, report.ok) == (1, True)
    assert (report.documents_changed, report.documents_unchanged) == (0, 1)
    assert len(world.chunks()) == 1


def test_a_page_that_lost_its_text_loses_its_chunks() -> None:
    world = World(ARTICLE)
    world.run()
    world.save(make_article("  ", title=""))
    assert world.run().chunks_deleted == 3
    assert world.chunks() == []


def test_a_document_that_cannot_be_processed_is_named_and_the_rest_goes_on() -> None:
    odd = POST.model_copy(update={"category": "videos"})
    world = World(ARTICLE)
    world.store.save(odd)
    report = world.run()
    assert not report.ok
    (line,) = report.failed
    assert POST.url in line and "videos" in line
    assert len(world.chunks()) == 3


def test_an_outage_of_the_documents_stops_the_run() -> None:
    world = World(POST)
    world.store.outage = True
    with pytest.raises(StoreUnavailable):
        world.run()


def test_chunks_that_the_embedder_cannot_read_are_refused_before_anything_is_made() -> None:
    world = World(POST)
    with pytest.raises(ConfigurationError, match="chunk_tokens"):
        world.run(FeatureConfig())
    assert world.index.generations() == []


def test_an_empty_store_makes_an_empty_live_index() -> None:
    world = World()
    report = world.run()
    assert (report.documents_seen, report.switched) == (0, True)
    assert world.chunks() == []


def test_progress_hears_documents_and_chunks() -> None:
    world = World(ARTICLE, POST)
    progress = SilentProgress()
    world.run(progress=progress)
    assert progress.done == {
        "clean documents": 2,
        "find duplicates": 2,
        "embed chunks": 4,
        "index documents": 2,
    }


def test_large_batches_are_written_in_slices() -> None:
    world = World(make_article(paragraphs(*(f"word{n}" for n in range(10))), title=""))
    world.run()
    assert world.index.journal == ["upsert", "upsert", "upsert", "commit", "switch"]


ESSAY = "\n\n".join(
    f"In {place} the {thing} goes {way}, twice a day, and takes {n} boats along to the {goal}."
    for n, (place, thing, way, goal) in enumerate(
        [
            ("winter", "water of the harbour", "out to sea", "sandbanks in the west"),
            ("the old estuary", "first wave", "up between the reeds", "mill at the weir"),
            ("stormy weather", "ferry", "nowhere at all", "shelter behind the mole"),
            ("the lagoon", "current", "round in a circle", "island of the monks"),
            ("the narrow strait", "whole Atlantic", "through in an hour", "open bay"),
            ("spring", "ice of the river", "down with a noise", "lowest of the bridges"),
        ]
    )
)


def printed_by(host: str, days: int, text: str = ESSAY) -> ArticleDocument:
    """Returns the essay as that site prints it, so many days after its first day."""
    return ArticleDocument.create(
        url=f"https://{host}/tides",
        title=f"Where the tide turns | {host}",
        content=f"Welcome to {host}\n\n{text}\n\nMore from {host}",
        platform=host,
        author="Ada Lovelace",
        published=VISITED + timedelta(days=days),
        fetched_at=VISITED,
    )


ORIGINAL, COPY = printed_by("one.org", 0), printed_by("two.org", 3)


@pytest.mark.parametrize("order", [(ORIGINAL, COPY), (COPY, ORIGINAL)])
def test_a_copy_is_linked_to_the_original_and_not_indexed(order: Sequence[Document]) -> None:
    world = World()
    for document in order:
        world.save(document)
        world.run()
    report = world.run()
    assert {chunk.document_id for chunk in world.chunks()} == {ORIGINAL.id}
    assert world.likenesses.links() == {COPY.id: ORIGINAL.id}
    assert (report.documents_seen, report.documents_duplicate) == (1, 1)


def test_a_copy_is_indexed_once_its_original_goes() -> None:
    world = World(ORIGINAL, COPY)
    world.run()
    world.store.mark_gone(ORIGINAL.id, VISITED, "HTTP 410")
    report = world.run()
    assert (report.documents_changed, report.documents_removed) == (1, 1)
    assert report.documents_duplicate == 0
    assert {chunk.document_id for chunk in world.chunks()} == {COPY.id}
    world.save(ORIGINAL)
    assert world.run().documents_duplicate == 1
    assert {chunk.document_id for chunk in world.chunks()} == {ORIGINAL.id}


def test_a_copy_is_indexed_once_its_original_says_something_else() -> None:
    world = World(ORIGINAL, COPY)
    world.run()
    world.save(printed_by("one.org", 0, ESSAY.replace("twice a day", "thrice a day")))
    assert world.run().documents_duplicate == 0
    assert {chunk.document_id for chunk in world.chunks()} == {ORIGINAL.id, COPY.id}


def test_only_what_changed_is_compared_again() -> None:
    world = World(ORIGINAL, COPY, ARTICLE)
    world.run()
    progress = SilentProgress()
    world.save(make_article(paragraphs("delta"), title=""))
    world.run(progress=progress)
    assert progress.done["find duplicates"] == 1
    assert world.likenesses.links() == {COPY.id: ORIGINAL.id}


def test_duplicates_may_be_left_alone() -> None:
    world = World(ORIGINAL, COPY)
    world.run()
    alone = DuplicatesConfig(enabled=False)
    report = world.run(CONFIG.model_copy(update={"duplicates": alone}))
    assert (report.documents_seen, report.documents_duplicate) == (2, 0)
    assert world.likenesses.links() == {}
    assert {chunk.document_id for chunk in world.chunks()} == {ORIGINAL.id, COPY.id}
