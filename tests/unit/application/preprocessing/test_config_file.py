from pathlib import Path

from llm_engineering.application.preprocessing.config import FeatureConfig
from llm_engineering.settings import load_config

CONFIG = Path(__file__).parents[4] / "configs" / "feature.yaml"


def test_the_shipped_configuration_holds_the_defaults() -> None:
    assert load_config(CONFIG, FeatureConfig) == FeatureConfig()
