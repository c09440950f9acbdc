import pytest

from llm_engineering.application.rag.sources import named_categories, named_platforms
from llm_engineering.domain.types import DataCategory


@pytest.mark.parametrize(
    ("question", "platforms"),
    [
        ("posts on LinkedIn about hiring", ["linkedin"]),
        ("LinkedIn posts about hiring", ["linkedin"]),
        ("What did she publish on Medium?", ["medium"]),
        ("Medium articles on tides", ["medium"]),
        ("posts on medium about tides", ["medium"]),
        ("articles from medium.com", ["medium"]),
        ("GitHub repositories about tides", ["github"]),
        ("articles on docs.example.org about tides", ["docs.example.org"]),
        ("articles from www.example.org", ["example.org"]),
        ("How do I open an issue on GitHub?", []),
        ("articles on medium heat cooking", []),
        ("medium works best", []),
        ("articles on tides", []),
        ("", []),
    ],
)
def test_platforms(question: str, platforms: list[str]) -> None:
    assert named_platforms(question) == platforms


POSTS, ARTICLES, REPOSITORIES = (
    DataCategory.POSTS,
    DataCategory.ARTICLES,
    DataCategory.REPOSITORIES,
)


@pytest.mark.parametrize(
    ("question", "categories"),
    [
        ("posts about hiring", [POSTS]),
        ("What do my posts say about hiring?", [POSTS]),
        ("Find articles on tides.", []),
        ("Only articles on tides, please", [ARTICLES]),
        ("tides, articles only", [ARTICLES]),
        ("posts about tides, not code", [POSTS]),
        ("Which repositories mention tides?", [REPOSITORIES]),
        ("In the code, how is the tide computed?", [REPOSITORIES]),
        ("source code of the tide table", [REPOSITORIES]),
        ("show me the code that computes tides", [REPOSITORIES]),
        ("code optimization for space efficiency", []),
        ("blog posts about tides", []),
        ("the post office", []),
        ("fence posts rot", []),
        ("article 5 of the treaty", []),
        ("the repository pattern", []),
        ("", []),
    ],
)
def test_categories(question: str, categories: list[DataCategory]) -> None:
    assert list(named_categories(question)) == categories
