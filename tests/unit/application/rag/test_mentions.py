import pytest

from llm_engineering.application.rag.authors import AuthorCatalogue
from llm_engineering.application.rag.mentions import named_authors

CATALOGUE = AuthorCatalogue(
    [
        "Okafor, D. E.",
        "Grace Hopper",
        "Lindqvist, A.; Lindqvist, B. C.",
        "R. Haas and T. Vega",
        "Guido van Rossum",
        "Søren Ågård",
        "Conan O'Brien",
        "Will Page",
        "Brown, P.",
        "Long, K.",
        "An, K.",
        "May, J.",
        "rust-lang",
        "Wójcik-Nowak, Ola",
        "Montgomery, R.",
    ]
)


def authors(question: str) -> list[set[str]]:
    return [
        {p.name.key for p in persons} for persons in named_authors(question, CATALOGUE).mentions
    ]


OKAFOR = [{"okafor, d e"}]


@pytest.mark.parametrize(
    "question",
    [
        "papers by D. E. Okafor",
        "papers by D.E.Okafor on sorting",
        "papers by D. Okafor",
        "Papers by Okafor, D. E.",
        "Donald Okafor on tides",
        "papers by Donald Okafor",
        "papers by DONALD OKAFOR",
        "PAPERS BY OKAFOR",
        "papers by okafor",
        "papers by okafor about TeX",
        "articles written by Okafor",
        "articles written either by Okafor",
        "articles from Okafor about tides",
        "the works of Okafor",
        "by Prof. Okafor",
        "Okafor's paper on tides",
        "Okafor\u2019s famous 1974 paper",
        "okafor's paper on tides",
        "What did Okafor publish in 1974?",
        "What does Okafor say about tides?",
        "Okafor wrote about tides. Where?",
        "How has Okafor described the tide?",
        "according to Okafor, when does the tide turn?",
        "tides; author: Okafor",
        "Is there a text whose author is Okafor?",
        "Compare Okafor's papers",
        "Tides (D. E. Okafor)",
        "papers by Ókafor",
    ],
)
def test_an_author_is_recognised_however_the_question_says_it(question: str) -> None:
    assert authors(question) == OKAFOR


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Grace Hopper on compilers", [{"hopper, grace"}]),
        ("papers by G. Hopper", [{"hopper, grace"}]),
        ("posts by Guido van Rossum", [{"van rossum, guido"}]),
        ("Van Rossum's posts", [{"van rossum, guido"}]),
        ("posts by Rossum", [{"van rossum, guido"}]),
        ("articles by Soren Agard", [{"agard, soren"}]),
        ("O'Brien's essays", [{"obrien, conan"}]),
        ("O\u2019Brien\u2019s essays", [{"obrien, conan"}]),
        ("repositories by rust-lang", [{"rust lang"}]),
        ("papers by Wojcik-Nowak", [{"wojcik nowak, ola"}]),
        ("articles by Will Page", [{"page, will"}]),
        ("What did Page write?", [{"page, will"}]),
        ("Will Page's articles mention tides?", [{"page, will"}]),
        ("Brown's paper on decoding", [{"brown, p"}]),
        ("papers by Okafor and Hopper", [{"okafor, d e"}, {"hopper, grace"}]),
        ("papers by Haas, Vega or Hopper", [{"haas, r"}, {"vega, t"}, {"hopper, grace"}]),
        ("Haas and Vega's paper", [{"haas, r"}, {"vega, t"}]),
        ("papers by R. Haas, T. Vega", [{"haas, r"}, {"vega, t"}]),
    ],
)
def test_names_of_every_shape(question: str, expected: list[set[str]]) -> None:
    assert authors(question) == expected


def test_a_shared_surname_means_all_who_bear_it() -> None:
    assert authors("papers by Lindqvist") == [{"lindqvist, a", "lindqvist, b c"}]


def test_initials_tell_them_apart() -> None:
    assert authors("papers by A. Lindqvist") == [{"lindqvist, a"}]
    assert authors("papers by B. Lindqvist") == [{"lindqvist, b c"}]
    assert authors("papers by Berta Lindqvist") == [{"lindqvist, b c"}]


def test_the_very_same_initials_count_more_than_those_that_could_be() -> None:
    catalogue = AuthorCatalogue(["Okafor, D.", "Okafor, D. E."])
    (persons,) = named_authors("papers by D. Okafor", catalogue).mentions
    assert [p.name.key for p in persons] == ["okafor, d"]
    (either,) = named_authors("papers by Donald Okafor", catalogue).mentions
    assert len(either) == 2


def test_a_name_as_it_stands_in_the_catalogue_is_that_one() -> None:
    catalogue = AuthorCatalogue(["Haas, S. R.", "Sol R. Haas", "Haas, S."])
    for asked, key in (("S. R. Haas", "haas, s r"), ("Sol R. Haas", "haas, sol r")):
        (persons,) = named_authors(f"papers by {asked}", catalogue).mentions
        assert [p.name.key for p in persons] == [key]


@pytest.mark.parametrize(
    "question",
    [
        "Okafor's algorithm for sorting",
        "How does the Okafor transform work?",
        "a method invented by Okafor",
        "a biography of Grace Hopper",
        "Who was Grace Hopper?",
        "articles about Grace Hopper",
        "papers by C. Okafor",
        "papers by Charles Babbage",
        "Will the page fault?",
        "Will Long page faults occur?",
        "how do I page through results by brown colour",
        "sort posts by page",
        "articles published by May 2020 about tides",
        "an article by an expert",
        "papers by long division",
        "the brown dog's long page",
        "",
        "¿Quién?",
        "👩\u200d🔬 by 👩\u200d🔬",
    ],
)
def test_nobody_is_invented(question: str) -> None:
    assert authors(question) == []


@pytest.mark.parametrize(
    "cited",
    [
        'One on the subject is D. E. Okafor, "How tides turn", Sea 7 (1970).',
        "One is D. E. Okafor \u201cHow tides turn\u201d.",
        'See: R. Haas and D. E. Okafor, "How tides turn"; Grace Hopper, "Storms".',
        'See Okafor, D. E., Ågård, S. et al.: "How tides turn".',
    ],
)
def test_the_authors_of_a_work_cited_as_an_example_are_not_asked_for(cited: str) -> None:
    assert authors(f"Articles about the sea. {cited}") == []


@pytest.mark.parametrize(
    "question",
    [
        'D. E. Okafor, "How tides turn", Sea 7 (1970)',
        'Abstract of: D. E. Okafor, "How tides turn"',
        'I study the sea. Which articles by D. E. Okafor, "the turner of tides", are there?',
        'I study the sea. What does D. E. Okafor mean by "tides"?',
        "I study the sea. Articles of D. E. Okafor, please.",
    ],
)
def test_the_authors_of_a_work_that_is_asked_for_are(question: str) -> None:
    assert authors(question) == OKAFOR


@pytest.mark.parametrize("slip", ["Montgomry", "Montgomery", "Mongtomery", "Montgomerry"])
def test_a_misspelled_surname_counts_where_the_wording_is_plain(slip: str) -> None:
    assert authors(f"papers by {slip}") == [{"montgomery, r"}]
    assert authors(f"papers by R. {slip}") == [{"montgomery, r"}]
    assert authors(f"{slip} and the tides") == []


@pytest.mark.parametrize("other", ["Hooper, J.", "Hoppers, J."])
def test_a_name_that_could_be_two_misspelled_is_neither(other: str) -> None:
    catalogue = AuthorCatalogue(["Hopper, G.", other, "Hoppar, K."])
    assert named_authors("papers by Hoppir", catalogue).mentions == ()


def test_a_misspelling_with_the_wrong_initial_is_nobody() -> None:
    assert authors("papers by K. Montgomry") == []


def test_a_surname_without_a_telling_wording_is_a_doubt() -> None:
    named = named_authors("What has Okafor been working on?", CATALOGUE)
    assert named.mentions == ()
    assert [p.name.key for persons in named.doubtful for p in persons] == ["okafor, d e"]
    assert named_authors("a biography of Okafor", CATALOGUE).doubtful == ()
    assert named_authors("long pages", CATALOGUE).doubtful == ()


def test_an_empty_catalogue_knows_nobody() -> None:
    assert named_authors("papers by D. E. Okafor", AuthorCatalogue([])).mentions == ()


def test_a_long_question_is_read_in_time() -> None:
    assert authors("papers by Okafor and the tide " * 600)[:1] == OKAFOR
