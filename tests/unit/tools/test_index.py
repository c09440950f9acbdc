from rich.console import Console

from llm_engineering.application.ports.storage import GenerationStatus
from llm_engineering.domain.releases import Generation
from tools.index import generations_table

OLD, NEW = (Generation(embedder="model", chunker=name, dimension=4) for name in ("old", "new"))


def test_each_generation_is_a_row_with_its_size_and_the_live_one_marked() -> None:
    table = generations_table(
        [
            GenerationStatus(OLD, 1_200, live=False, size=2_500_000),
            GenerationStatus(NEW, 1_300, live=True),
        ]
    )
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    heading, old, new = captured.get().splitlines()
    assert heading.split() == ["generation", "chunks", "MB", "live"]
    assert old.split() == ["chunks-model-old", "1,200", "2.5"]
    assert new.split() == ["chunks-model-new", "1,300", "yes"]
