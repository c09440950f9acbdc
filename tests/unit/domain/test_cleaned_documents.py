"""Cleaned documents: a class for each category, and what makes each of them whole."""

import pytest
from pydantic import ValidationError

from llm_engineering.domain.cleaned_documents import CLEANED_TYPES
from llm_engineering.domain.ids import document_id
from llm_engineering.domain.types import DataCategory

FIELDS: dict[str, object] = {
    "document_id": document_id("https://example.org/tides"),
    "revision": "r1",
    "url": "https://example.org/tides",
    "platform": "example.org",
    "title": "Tides",
    "content": "The tide turns.",
    "cleaner": "rules-1",
}
OWN: dict[DataCategory, dict[str, object]] = {
    DataCategory.ARTICLES: {},
    DataCategory.POSTS: {"image": "https://example.org/x.png"},
    DataCategory.REPOSITORIES: {"repository": "owner/name", "path": "a/b.py"},
}


@pytest.mark.parametrize("category", list(DataCategory))
def test_each_category_comes_back_from_json_as_its_own_class(category: DataCategory) -> None:
    kind = CLEANED_TYPES[category]
    document = kind.model_validate({**FIELDS, **OWN[category]})
    assert document.category is category
    assert kind.model_validate_json(document.model_dump_json()) == document


@pytest.mark.parametrize("category", list(DataCategory))
def test_a_class_refuses_the_fields_and_the_category_of_the_others(category: DataCategory) -> None:
    for other in set(DataCategory) - {category}:
        with pytest.raises(ValidationError, match="category"):
            CLEANED_TYPES[category].model_validate(
                {**FIELDS, **OWN[category], "category": other.value}
            )
    with pytest.raises(ValidationError, match="stars"):
        CLEANED_TYPES[category].model_validate({**FIELDS, **OWN[category], "stars": 5})


@pytest.mark.parametrize("missing", ["repository", "path"])
def test_a_file_knows_its_place_in_its_repository(missing: str) -> None:
    fields = {**FIELDS, **OWN[DataCategory.REPOSITORIES]}
    del fields[missing]
    with pytest.raises(ValidationError, match=missing):
        CLEANED_TYPES[DataCategory.REPOSITORIES].model_validate(fields)


def test_a_text_without_its_rules_is_refused() -> None:
    fields = {key: value for key, value in FIELDS.items() if key != "cleaner"}
    with pytest.raises(ValidationError, match="cleaner"):
        CLEANED_TYPES[DataCategory.ARTICLES].model_validate(fields)
