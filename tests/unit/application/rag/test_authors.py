import pytest

from llm_engineering.application.rag.authors import AuthorCatalogue, CachedCatalogue
from llm_engineering.domain.documents import ArticleDocument
from llm_engineering.domain.errors import StoreUnavailable
from llm_engineering.infrastructure.in_memory.document_store import InMemoryDocumentStore
from tests.documents import make_article


def by(author: str) -> ArticleDocument:
    return make_article("A text.", url=f"https://example.org/{len(author)}", author=author)


def keys(catalogue: AuthorCatalogue, *surname: str) -> set[str]:
    return {person.name.key for person in catalogue.with_surname(surname)}


def test_each_person_of_a_stored_author_is_found_by_surname() -> None:
    catalogue = AuthorCatalogue(["A. Okafor, B. Lindqvist and C. Li", "Okafor, D.", "Plato"])
    assert keys(catalogue, "okafor") == {"okafor, a", "okafor, d"}
    assert keys(catalogue, "li") == {"li, c"}
    assert keys(catalogue, "plato") == {"plato"}
    assert keys(catalogue, "nobody") == set()


def test_a_surname_of_several_words_is_found_by_its_last() -> None:
    catalogue = AuthorCatalogue(["Guido van Rossum", "rust-lang"])
    assert keys(catalogue, "van", "rossum") == keys(catalogue, "rossum") == {"van rossum, guido"}
    assert keys(catalogue, "lang") == set(), "what has no given name is found whole"
    assert catalogue.longest_surname == 2
    assert AuthorCatalogue([]).longest_surname == 0


def test_spellings_of_one_name_are_one_person() -> None:
    (person,) = AuthorCatalogue(["Okafor, D.E.", "Okafor, D. E.", "okafor,d.e."]).with_surname(
        ("okafor",)
    )
    assert set(person.spellings) == {"Okafor, D.E.", "Okafor, D. E.", "okafor, d.e."}
    assert person.spelled("papers by D.E. Okafor") == "Okafor, D.E."
    assert person.spelled("Okafor's papers") == "Okafor, D. E."


def test_similar_surnames_are_close_and_alone() -> None:
    catalogue = AuthorCatalogue(["Montgomery, R.", "Li, C.", "Haase, T.", "Haasi, U."])
    assert [p.name.key for p in catalogue.similar("montgomry")] == ["montgomery, r"]
    assert catalogue.similar("montgo") == []
    assert catalogue.similar("lo") == [], "too short"
    assert catalogue.similar("haasx") == [], "could be two"
    assert catalogue.similar("nontgomery") == [], "the first letter is right"


def test_the_catalogue_is_read_again_when_it_is_old() -> None:
    now = [0.0]
    store = InMemoryDocumentStore()
    store.save(by("Grace Hopper"))
    cached = CachedCatalogue(store, max_age_s=60, timer=lambda: now[0])
    first = cached()
    store.save(by("Ada Lovelace"))
    assert cached() is first
    now[0] = 61
    assert keys(cached(), "lovelace") == {"lovelace, ada"}


def test_a_catalogue_without_news_is_not_built_again() -> None:
    now = [0.0]
    cached = CachedCatalogue(InMemoryDocumentStore(), max_age_s=60, timer=lambda: now[0])
    first = cached()
    now[0] = 61
    assert cached() is first


def test_an_old_catalogue_serves_on_during_an_outage() -> None:
    now = [0.0]
    store = InMemoryDocumentStore()
    cached = CachedCatalogue(store, timer=lambda: now[0])
    first = cached()
    store.outage = True
    now[0] = 1e6
    assert cached() is first


def test_without_any_catalogue_an_outage_is_an_error() -> None:
    store = InMemoryDocumentStore()
    store.outage = True
    with pytest.raises(StoreUnavailable):
        CachedCatalogue(store)()
