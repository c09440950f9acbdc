import json
import os
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llm_engineering.domain.errors import InvalidInput
from llm_engineering.infrastructure.data_warehouse.json_files import JsonWarehouse

RECORDS: list[dict[str, object]] = [
    {"id": "1", "content": {"Title": "Ebb \u6f6e \U0001f30a", "n": None}},
    {"id": "2", "list": [1, True, 0.5]},
]


@pytest.fixture
def warehouse(tmp_path: Path) -> JsonWarehouse:
    return JsonWarehouse(tmp_path / "new" / "folder")


@pytest.mark.parametrize("records", [RECORDS, []])
def test_what_was_written_is_one_array_and_is_read_again(
    warehouse: JsonWarehouse, records: list[dict[str, object]]
) -> None:
    assert warehouse.write("Thing", iter(records)) == len(records)
    text = (Path(warehouse.place) / "Thing.json").read_text(encoding="utf-8")
    assert json.loads(text) == records
    assert text.count("\n") == len(records) + (2 if records else 1)
    assert list(warehouse.read("Thing")) == records
    assert warehouse.classes() == ["Thing"]


def test_writing_twice_gives_the_same_bytes(warehouse: JsonWarehouse) -> None:
    warehouse.write("Thing", RECORDS)
    first = (Path(warehouse.place) / "Thing.json").read_bytes()
    warehouse.write("Thing", RECORDS)
    assert (Path(warehouse.place) / "Thing.json").read_bytes() == first


def test_a_write_that_breaks_off_leaves_the_file_that_was_there(warehouse: JsonWarehouse) -> None:
    warehouse.write("Thing", RECORDS)

    def breaks_off() -> Iterator[dict[str, object]]:
        yield {"id": "3"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warehouse.write("Thing", breaks_off())
    assert list(warehouse.read("Thing")) == RECORDS
    assert [path.name for path in Path(warehouse.place).iterdir()] == ["Thing.json"]


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        (b"", 0, "not a JSON array: it begins with b''"),
        (b'{"id": 1}', 0, "not a JSON array"),
        (b'[{"id": 1}, {"id": 2', 1, "not JSON after 1 records"),
        (b'[{"id": 1} {"id": 2}]', 1, "not JSON after 1 records"),
        (b'[{"id": "\xff"}]', 0, "not JSON after 0 records"),
    ],
)
def test_a_fault_is_told_with_what_came_before_it(
    tmp_path: Path, text: bytes, read: int, message: str
) -> None:
    (tmp_path / "Thing.json").write_bytes(text)
    seen = []
    with pytest.raises(InvalidInput, match=message) as caught:
        for record in JsonWarehouse(tmp_path).read("Thing"):
            seen.append(record)
    assert len(seen) == read
    assert "Thing.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("begin", [b"\xef\xbb\xbf", b" \n\t", b"\xef\xbb\xbf \r\n"])
def test_a_byte_order_mark_and_spaces_do_no_harm(tmp_path: Path, begin: bytes) -> None:
    (tmp_path / "Thing.json").write_bytes(begin + b'[{"id": 1}]')
    assert list(JsonWarehouse(tmp_path).read("Thing")) == [{"id": 1}]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Thing.json: No such file"):
        list(JsonWarehouse(tmp_path).read("Thing"))
    assert JsonWarehouse(tmp_path / "nowhere").classes() == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"Thing.json: "):
        JsonWarehouse(tmp_path / "file").write("Thing", RECORDS)


def test_the_time_of_the_last_change_is_known(tmp_path: Path) -> None:
    path = tmp_path / "Thing.json"
    path.touch()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert JsonWarehouse(tmp_path).written_at("Thing") == datetime.fromtimestamp(1_700_000_000, UTC)


def test_memory_does_not_grow_with_the_file(warehouse: JsonWarehouse) -> None:
    peaks = []
    for count in (200, 4_000):
        warehouse.write("Thing", ({"id": n, "text": "x" * 2_000} for n in range(count)))
        tracemalloc.start()
        assert sum(1 for _ in warehouse.read("Thing")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000  # the larger file has 8 MB
