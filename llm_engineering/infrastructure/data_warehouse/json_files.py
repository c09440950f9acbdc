"""Warehouse in a folder: `ArticleDocument.json` and so on, each an array in UTF-8."""

import json
import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from llm_engineering.domain.errors import InvalidInput


class JsonWarehouse:
    """Reads by a streaming parser; writes beside the file, and puts it in place when it is whole.

    Args:
        folder: holds the files; `write` makes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def classes(self) -> Sequence[str]:
        """Returns the names of the files, without `.json`."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def read(self, name: str) -> Iterator[object]:
        """Yields the records of a class.

        Raises:
            InvalidInput: the file cannot be read, or is no JSON array; says after how many records.
        """
        import ijson  # noqa: PLC0415 - only imports need it

        path, count = self._path(name), 0
        try:
            with path.open("rb") as file:
                start = len(BOM_UTF8) if file.read(len(BOM_UTF8)) == BOM_UTF8 else 0
                file.seek(start)
                begin = file.read(4096).lstrip()[:20]
                if not begin.startswith(b"["):
                    raise InvalidInput(f"{path}: not a JSON array: it begins with {begin!r}")
                file.seek(start)
                for record in ijson.items(file, "item", use_float=True):
                    yield record
                    count += 1
        except OSError as error:
            raise InvalidInput(f"{path}: {error.strerror}") from error
        except (ijson.JSONError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InvalidInput(f"{path}: not JSON after {count:,} records: {reason}") from error

    def written_at(self, name: str) -> datetime:
        """Returns when the file was last changed."""
        return datetime.fromtimestamp(self._path(name).stat().st_mtime, UTC)

    def write(self, name: str, records: Iterable[Mapping[str, object]]) -> int:
        """Replaces the file by these records, one a line; returns how many there are.

        Raises:
            InvalidInput: it cannot be written; the file that was there stays.
        """
        path, count = self._path(name), 0
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                for record in records:
                    file.write(",\n" if count else "[\n")
                    json.dump(record, file, ensure_ascii=False)
                    count += 1
                file.write("\n]\n" if count else "[]\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            raise InvalidInput(f"{path}: {error.strerror}") from error
        finally:
            with suppress(OSError):  # it was put in place, or could not be made
                part.unlink()
        return count

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
