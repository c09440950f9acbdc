from collections.abc import Iterable, Iterator

from llm_engineering.application.preprocessing.cleaning import CLEANER, clean_document
from llm_engineering.application.preprocessing.config import ChunkingConfig, FeatureConfig
from llm_engineering.application.preprocessing.cpu_times import CpuTimes
from llm_engineering.application.preprocessing.dispatchers import (
    ChunkingDispatcher,
    CleaningDispatcher,
    EmbeddingDispatcher,
)
from llm_engineering.application.preprocessing.featurizing import (
    Features,
    FeatureWork,
    Featurizer,
)
from llm_engineering.application.preprocessing.indexing import Indexer, IndexingPlan
from llm_engineering.domain.cleaned_documents import CleanedDocument
from llm_engineering.domain.documents import Document
from llm_engineering.domain.errors import DocumentError, ExtractionError
from llm_engineering.domain.releases import Generation
from llm_engineering.domain.types import DataCategory
from llm_engineering.infrastructure.in_memory.chunk_index import InMemoryChunkIndex
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from llm_engineering.infrastructure.in_memory.encoders import (
    HashingEmbeddingModel,
    WordSparseEncoder,
)
from llm_engineering.infrastructure.in_memory.progress import SilentProgress
from pipelines.steps.chunk_and_embed import ChunkingOutcome, chunk_and_embed
from pipelines.steps.clean import clean
from tests.documents import make_article, make_post

MODEL = HashingEmbeddingModel()
GENERATION = Generation(embedder=MODEL.fingerprint, chunker="chunker", dimension=MODEL.dimension)
CONFIG = FeatureConfig(chunking=ChunkingConfig(chunk_tokens=64))


def refuse(document: Document) -> CleanedDocument:
    raise ExtractionError(document.url, "nothing in it")


def index_all(store: InMemoryDocumentStore, index: InMemoryChunkIndex) -> ChunkingOutcome:
    index.create(GENERATION)
    plan = IndexingPlan(GENERATION, store.current_revisions(), [], 0)
    cpu = CpuTimes()
    featurizer = Featurizer(
        ChunkingDispatcher(MODEL, CONFIG.chunking),
        EmbeddingDispatcher(MODEL, WordSparseEncoder()),
        CONFIG.batch_size,
    )

    def featurize(work: Iterable[FeatureWork]) -> Iterator[Features]:
        return iter(featurizer(list(work)))

    indexer = Indexer(index, GENERATION, CONFIG, cpu)
    return chunk_and_embed(store, featurize, indexer, plan, (), cpu, SilentProgress())


def test_cleaning_stores_what_the_category_says() -> None:
    store, post = InMemoryDocumentStore(), make_post("text \r\n")
    store.save(post)
    assert clean(store, CleaningDispatcher(), store.current_revisions(), SilentProgress()) == {}
    cleaned = store.cleaned(post.id, post.revision)
    assert cleaned
    assert (cleaned.content, cleaned.cleaner) == ("text", CLEANER)


def test_cleaning_goes_on_after_a_document_that_fails() -> None:
    store, post, article = InMemoryDocumentStore(), make_post("text"), make_article("text")
    store.save(article)
    store.save(post)
    handlers = {DataCategory.ARTICLES: refuse, DataCategory.POSTS: clean_document}
    progress = SilentProgress()
    failed = clean(store, CleaningDispatcher(handlers), store.current_revisions(), progress)
    assert failed == {article.id: f"{article.url}: nothing in it"}
    assert store.cleaned(post.id, post.revision)
    assert progress.done == {"clean documents": 2}


class SmallStore(InMemoryDocumentStore):
    """Takes no cleaned text of more than ten characters."""

    def save_cleaned(self, cleaned: CleanedDocument) -> None:
        if len(cleaned.content) > 10:
            raise DocumentError(cleaned.url, "larger than the store takes")
        super().save_cleaned(cleaned)


def test_a_text_that_the_store_does_not_take_fails_alone() -> None:
    store = SmallStore()
    documents = [
        make_post("too long a text" if n == 3 else "text", url=f"https://example.org/{n}")
        for n in range(70)
    ]
    for document in documents:
        store.save(document)
    failed = clean(store, CleaningDispatcher(), store.current_revisions(), SilentProgress())
    assert failed == {documents[3].id: f"{documents[3].url}: larger than the store takes"}
    assert store.counts()["cleaned"] == 69


def test_cleaning_names_a_revision_that_is_gone() -> None:
    store, post = InMemoryDocumentStore(), make_post("text")
    failed = clean(store, CleaningDispatcher(), {post.id: "f" * 64}, SilentProgress())
    assert failed == {post.id: f"document {post.id} has no revision ffffffffffff"}


def test_a_document_that_was_never_cleaned_fails_alone() -> None:
    store, post, article = InMemoryDocumentStore(), make_post("text"), make_article("text")
    store.save(post)
    store.save(article)
    store.save_cleaned(clean_document(article))
    index = InMemoryChunkIndex()
    outcome = index_all(store, index)
    assert outcome.failed == {post.id: f"document {post.id} has no cleaned text"}
    assert set(index.indexed(GENERATION)) == {article.id}


def test_a_document_without_text_is_told_apart_from_one_that_failed() -> None:
    store, post = InMemoryDocumentStore(), make_post("  ")
    store.save(post)
    store.save_cleaned(clean_document(post))
    outcome = index_all(store, InMemoryChunkIndex())
    assert (outcome.empty, outcome.failed) == ({post.id}, {})
