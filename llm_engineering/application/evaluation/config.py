"""What can be chosen about an evaluation."""

from pydantic import Field

from llm_engineering.application.evaluation.tuning import TuneConfig
from llm_engineering.application.evaluation.variants import VARIANTS, Variant
from llm_engineering.domain.evaluation import Wording
from llm_engineering.domain.types import Frozen


class EvaluationConfig(Frozen):
    """`configs/evaluation.yaml`.

    `variants`: the ways of searching that are compared.
    `resamples`: of the bootstrap behind the intervals; `seed` starts it and every other choice.
    `worst`: questions that are shown with what they found.
    `questions`: made from your own corpus, at most; `wording` is `headings`, or `model` to have
    the chat model word each one.
    `tune`: what `poe tune` tries.
    """

    variants: tuple[Variant, ...] = Field(default=VARIANTS, min_length=1)
    resamples: int = Field(default=2000, ge=100, le=100_000)
    seed: int = Field(default=17, ge=0)
    worst: int = Field(default=10, ge=0, le=100)
    questions: int = Field(default=200, ge=4, le=10_000)
    wording: Wording = "headings"
    tune: TuneConfig = TuneConfig()
