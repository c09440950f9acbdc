import gc

from llm_engineering.serving.garbage import spare_what_stays


def test_the_collector_leaves_out_what_stays() -> None:
    before = gc.get_freeze_count()
    try:
        spare_what_stays()
        assert gc.get_freeze_count() > max(before, 10_000)
    finally:
        gc.unfreeze()
