"""A process that uses an embedded server: `python -m tests.integration.mongo_user FOLDER [NAME]`.

It prints the URI and then, given a NAME, the revision of every document whose saving was
acknowledged, until it is killed. Without one it waits until its input ends.
"""

import sys
from itertools import count
from pathlib import Path

from llm_engineering.infrastructure.mongo.embedded import EmbeddedMongo
from llm_engineering.infrastructure.mongo.store import MongoDocumentStore
from tests.contracts.document_making import article


def main(folder: str, name: str | None = None, limit: str = "1000000") -> None:
    server = EmbeddedMongo(Path(folder))
    uri = server.start()
    print(uri, flush=True)  # noqa: T201 - the test reads it
    if name is None:
        sys.stdin.read()
    else:
        _save(uri, name, int(limit))
    server.close()


def _save(uri: str, name: str, limit: int) -> None:
    """Saves one revision after the other, of three documents in turn."""
    store = MongoDocumentStore.connect(uri, "killed")
    for number in count():
        if number == limit:
            break
        document = article(f"page-{number % 3}", content=f"{name} {number}", raw=b"x" * 5000)
        store.save(document)
        print(document.id, document.revision, flush=True)  # noqa: T201 - the test reads it
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
