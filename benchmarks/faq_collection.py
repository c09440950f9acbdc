"""Makes a judged collection in BEIR's layout out of documentation that has a FAQ.

    python -m benchmarks.faq_collection /usr/share/doc/python3.11/html/_sources OUT
    python -m benchmarks.faq_collection /usr/share/perl/5.36.0/pod OUT

Every section is a document. The headings of the FAQ are the questions: each is taken off its
section, which is the one relevant document. The other sections keep their headings as titles.
reStructuredText (`*.rst.txt`) and Perl's Pod (`*.pod`) are read; Debian's packages python3.11-doc
and perl-doc have them.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_FEWEST, _MOST = 80, 4000  # characters of a section that is a document
_SHORTEST_QUESTION = 15
_UNDERLINE = re.compile(r"([=\-~^*+#])\1{2,}\s*")
_POD_HEADING = re.compile(r"^=head[1-4]\s+(.+(?:\n.+)*)$", re.MULTILINE)
_POD_COMMAND = re.compile(r"^=\w+[ \t]?", re.MULTILINE)
_POD_INDEX = re.compile(r"X<[^<>]*>")  # entries of an index, which no reader sees
_POD_CODE = re.compile(r"[A-Z]<(?:<+ )?([^<>]*)(?: >+)?>")
# chapters of the Python documentation about the language and its library
_RST_CHAPTERS = ("library", "faq", "tutorial", "howto", "reference")
# the FAQ's contents, which repeat every question, and the news of old versions
_POD_WITHOUT = re.compile(r"perlfaq\.pod|perl5\w*delta\.pod")

Section = tuple[str, str]  # heading and body


@dataclass(frozen=True)
class Document:
    """A section; of a FAQ, `question` is its heading."""

    id: str
    title: str
    text: str
    question: str = ""


def main() -> None:
    """Parses the arguments and writes the collection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documentation", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    documents = read_documentation(arguments.documentation)
    write_collection(documents, arguments.output)
    asked = sum(bool(document.question) for document in documents)
    print(f"{arguments.output}: {len(documents):,} documents, {asked} questions")


def read_documentation(folder: Path) -> list[Document]:
    """Returns the sections of all files, in the order of their names."""
    readers: dict[str, Callable[[str], Iterator[Section]]] = {
        "*.rst.txt": rst_sections,
        "*.pod": pod_sections,
    }
    documents: list[Document] = []
    for pattern, sections in readers.items():
        for path in sorted(folder.rglob(pattern)):
            name = str(path.relative_to(folder))
            if name.startswith(_RST_CHAPTERS) or (
                pattern == "*.pod" and not _POD_WITHOUT.fullmatch(name)
            ):
                text = path.read_text(encoding="utf-8", errors="replace")
                documents += _documents(name, list(sections(text)))
    return documents


def _documents(name: str, sections: Sequence[Section]) -> Iterator[Document]:
    faq = "faq" in name
    for number, (heading, body) in enumerate(sections):
        if len(body) < _FEWEST:
            continue
        identity = f"{name}-{number}"
        if faq:
            question = heading if len(heading) > _SHORTEST_QUESTION else ""
            yield Document(identity, "", body[:_MOST], question)
        else:
            yield Document(identity, heading, body[:_MOST])


def rst_sections(text: str) -> Iterator[Section]:
    """Yields heading and body of each section; directives and comments are left out."""
    lines = text.split("\n")
    heads = [n for n in range(len(lines) - 1) if _underlined(lines[n], lines[n + 1])]
    for begin, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        body = [line for line in lines[begin + 2 : end] if not line.startswith("..")]
        yield lines[begin].strip(), "\n".join(body).strip()


def _underlined(line: str, below: str) -> bool:
    wide = len(below.strip()) >= len(line.strip()) - 2
    return bool(line.strip()) and wide and _UNDERLINE.fullmatch(below) is not None


def pod_sections(text: str) -> Iterator[Section]:
    """Yields heading and body of each section, without Pod's commands and formatting codes."""
    found = list(_POD_HEADING.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        body = _POD_COMMAND.sub("", text[match.end() : end])
        yield _plain(" ".join(match[1].split())), _plain(body)


def _plain(text: str) -> str:
    return _POD_CODE.sub(r"\1", _POD_INDEX.sub("", text)).strip()


def write_collection(documents: Sequence[Document], output: Path) -> None:
    """Writes corpus.jsonl, queries.jsonl and qrels.tsv."""
    asked = [document for document in documents if document.question]
    output.mkdir(parents=True, exist_ok=True)
    corpus = ({"_id": d.id, "title": d.title, "text": d.text} for d in documents)
    _write_lines(output / "corpus.jsonl", map(json.dumps, corpus))
    queries = ({"_id": d.id, "text": d.question} for d in asked)
    _write_lines(output / "queries.jsonl", map(json.dumps, queries))
    _write_lines(output / "qrels.tsv", (f"{d.id}\t{d.id}\t1" for d in asked))


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
