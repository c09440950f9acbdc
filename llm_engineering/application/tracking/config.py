"""What is tracked of the questions that are served: the values of `configs/tracking.yaml`."""

from pydantic import Field

from llm_engineering.domain.types import Frozen


class TrackingConfig(Frozen):
    """`configs/tracking.yaml`.

    `share` of the questions is tracked; which ones, their request ids decide. A window ends after
    `window_questions` or `window_s` seconds, whichever comes first, and a session of the tracker
    after `session_questions` or `session_s`. `waiting` questions at most wait for the tracker, and
    `disk_mb` is what sessions may take that were not uploaded yet. After a failure of the tracker
    the next try comes `pause_s` later.
    """

    share: float = Field(default=1.0, ge=0.0, le=1.0)
    window_questions: int = Field(default=100, ge=1, le=10_000)
    window_s: float = Field(default=300.0, gt=0.0, le=86_400.0)
    session_questions: int = Field(default=10_000, ge=1, le=100_000)
    session_s: float = Field(default=3600.0, gt=0.0, le=604_800.0)
    waiting: int = Field(default=256, ge=1, le=10_000)
    disk_mb: int = Field(default=200, ge=1, le=1_000_000)
    pause_s: float = Field(default=60.0, ge=0.0, le=3600.0)
