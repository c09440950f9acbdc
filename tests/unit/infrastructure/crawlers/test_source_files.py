import pytest

from llm_engineering.infrastructure.crawlers.source_files import (
    language_of,
    reading_order,
    text_of,
    why_unread,
)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.py", "python"),
        ("A.PY", "python"),
        ("README", "text"),
        ("docs/Makefile", "make"),
        ("Dockerfile", "dockerfile"),
        ("main.tsx", "typescript"),
        ("notes.md", "markdown"),
        ("logo.png", None),
        ("program", None),
        (".gitignore", None),
    ],
)
def test_the_language_is_told_by_the_name(path: str, language: str | None) -> None:
    assert language_of(path) == language
    assert (why_unread(path) is None) == (language is not None)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("node_modules/left/pad.js", "vendored"),
        ("a/vendor/b/c.go", "vendored"),
        ("package-lock.json", "lock file"),
        ("web/pnpm-lock.yaml", "lock file"),
        ("Cargo.lock", "lock file"),
        ("go.sum", "lock file"),
        ("jquery.min.js", "generated"),
        ("api/v1_pb2.py", "generated"),
        ("photo.jpeg", "not a text format"),
    ],
)
def test_what_nobody_wrote_is_left_out(path: str, why: str) -> None:
    assert why_unread(path) == why


@pytest.mark.parametrize("path", ["vendor.py", "distance/a.py", "blocked.md", "lockfile.py"])
def test_names_that_only_look_like_it_are_read(path: str) -> None:
    assert why_unread(path) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b"\xef\xbb\xbfone", "one"),
        (b"  indented\n\n    more", "  indented\n\n    more"),
        (b"gr\xf6\xdfer", "gr\ufffd\ufffder"),
        (b"a\0b", None),
        (b"", None),
        (b" \n\t\n", None),
        (b"x" * 5_001, None),
        (b"x" * 5_000 + b"\n" + b"y" * 5_000, "x" * 5_000 + "\n" + "y" * 5_000),
    ],
)
def test_text_is_kept_as_it_is_and_anything_else_is_none(data: bytes, text: str | None) -> None:
    assert text_of(data) == text


def test_the_readme_of_the_root_comes_first_and_the_shallow_before_the_deep() -> None:
    paths = ["docs/README.md", "z.py", "a/b/c.py", "README.rst", "a/d.py", "Makefile"]
    assert sorted(paths, key=reading_order) == [
        *("README.rst", "Makefile", "z.py", "a/d.py", "docs/README.md", "a/b/c.py")
    ]
