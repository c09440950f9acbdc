"""A small test collection on disk, and pieces of it spoiled on request."""

import gzip
import json
from pathlib import Path

DOCUMENTS = {
    "d/1": ("Bilge pumps", "A bilge pump empties the lowest part of a hull."),
    "d2": ("Anchors", "An anchor holds a ship in its place by gripping the sea bed."),
    "d3": ("", "Spring tides follow the full moon and the new moon."),
    "d4": ("Compass deviation", ""),
    "d5": ("Knots", "A bowline makes a loop that does not slip."),
}
QUESTIONS = {
    "q1": "Which pump empties the hull?",
    "q2": "What holds a ship in place?",
    "q3": "When do spring tides come?",
    "q4": "Why does a compass deviate?",
    "q5": "Nobody judged this one",
}
QRELS = [("q1", "d/1", 2), ("q1", "d5", 0), ("q2", "d2", 1), ("q3", "d3", 1), ("q4", "d4", 1)]


def write_collection(folder: Path, *, header: bool = True, packed: bool = False) -> Path:
    """Writes the collection and returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = "".join(
        json.dumps({"_id": name, "title": title, "text": text}) + "\n"
        for name, (title, text) in DOCUMENTS.items()
    )
    if packed:
        (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    else:
        (folder / "corpus.jsonl").write_text(corpus, "utf-8")
    queries = (json.dumps({"_id": name, "text": text}) for name, text in QUESTIONS.items())
    (folder / "queries.jsonl").write_text("\n".join(queries) + "\n\n", "utf-8")
    rows = [f"{query}\t{document}\t{grade}" for query, document, grade in QRELS]
    head = ["query-id\tcorpus-id\tscore"] if header else []
    (folder / "qrels.tsv").write_text("\n".join([*head, *rows]) + "\n", "utf-8")
    return folder
