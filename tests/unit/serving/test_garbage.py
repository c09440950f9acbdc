import gc

from llm_engineering.serving.garbage import spare_what_stays


def test_the_collector_leaves_out_what_stays() -> None:
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    try:
        spare_what_stays()
        assert gc.get_freeze_count() > max(before, 10_000)
        assert gc.get_threshold()[0] > thresholds[0]
        assert gc.isenabled()
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
