"""A file of questions with their answers, about seven passages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PASSAGES = {
    "tides": "The tide turns twice a day. The moon pulls the water.",
    "pumps": "The bilge pump starts at four centimetres. It stops after two minutes.",
    "apples": "Apple trees are pruned in winter. Apples ripen in autumn.",
    "bread": "Bread is baked for forty minutes. The dough rests overnight.",
    "bees": "Bees dance to tell where flowers are. A hive has one queen.",
    "clocks": "The clock was built in 1874. It strikes every quarter of an hour.",
    "ferries": "The ferry carries forty people. It leaves at noon.",
}


def record(number: int, gold: str, question: str, *answers: str, **fields: Any) -> dict[str, Any]:
    return {
        "_id": f"q{number}",
        "question": question,
        "context_id": gold,
        "context": PASSAGES[gold],
        "answers": list(answers),
        "is_impossible": not answers,
        **fields,
    }


RECORDS = (
    record(1, "pumps", "When does the bilge pump start?", "four centimetres", "4 cm"),
    record(2, "tides", "What pulls the water?", "the moon"),
    record(3, "apples", "When are apple trees pruned?", "winter"),
    record(4, "bread", "How much does bread cost?"),
    record(5, "bees", "How many workers does a hive have?"),
    record(6, "clocks", "When was the clock sold?"),
    record(7, "ferries", "When does the ferry leave?", "noon"),
)


def write_qa(path: Path, records: Sequence[dict[str, Any]] = RECORDS) -> Path:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in records), "utf-8")
    return path
