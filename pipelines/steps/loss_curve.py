"""Draws how the loss of a training run went."""

from collections.abc import Sequence
from pathlib import Path

from llm_engineering.application.ports.models import TrainedModel


def draw_loss_curve(losses: Sequence[tuple[int, float]], trained: TrainedModel, file: Path) -> None:
    """Writes a PNG: the training loss of each step, and the held-out loss before and after."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - a second to import
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    figure = Figure(figsize=(7, 4), layout="constrained")  # no pyplot: no state, no window
    axes = figure.add_subplot()
    steps = [step for step, _ in losses]
    axes.plot(steps, [loss for _, loss in losses], color="tab:blue", label="training batch")
    axes.plot(
        [0, trained.steps],
        [trained.held_out_loss_before, trained.held_out_loss_after],
        "o--",
        color="tab:red",
        label="held out",
    )
    axes.set(
        title=f"Fine-tuning ({trained.backend})",
        xlabel="step",
        ylabel="loss of an answer's token (nats)",
    )
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=120)
