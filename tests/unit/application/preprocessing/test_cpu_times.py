import pytest

from llm_engineering.application.preprocessing.cpu_times import CpuTimes


def test_seconds_add_up_by_stage_also_when_a_stage_fails() -> None:
    ticks = iter([0.0, 1.5, 2.0, 2.25, 10.0, 14.0])
    cpu = CpuTimes(clock=lambda: next(ticks))
    with cpu.of("embed"):
        pass
    with cpu.of("write"):
        pass
    with pytest.raises(ValueError, match="odd"), cpu.of("embed"):
        raise ValueError("odd")
    assert cpu.seconds == {"embed": 5.5, "write": 0.25}


def test_seconds_that_workers_measured_are_added() -> None:
    cpu = CpuTimes()
    cpu.add({"embed": 2.0})
    cpu.add({"embed": 0.5, "chunk": 1.0})
    assert cpu.seconds == {"embed": 2.5, "chunk": 1.0}
