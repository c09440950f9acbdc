"""A graph that OpenVINO has compiled for a device."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.batching import Ids, Matrix

if TYPE_CHECKING:
    from openvino import InferRequest, Model

    Prepared = tuple[InferRequest, Mapping[str, Ids]]


Shape = tuple[int, int]

# Of short questions, alone and together: the graph of any shape prepares itself anew each time that
# the shape changes, which takes a third of their CPU time. Each shape takes 32 MB with MiniLM, so
# there are few; what has none of its own runs in the next greater one.
_QUESTIONS: Sequence[Shape] = ((1, 16), (1, 24), (1, 32), (2, 32), (4, 32))


def question_shapes(limit: int) -> Sequence[Shape]:
    """Returns the shapes of short questions, [B, S], for a model of so many tokens at most."""
    return tuple(dict.fromkeys((rows, min(width, limit)) for rows, width in _QUESTIONS))


class CompiledGraph:
    """Runs a graph in 16-bit floats where the device computes in them, else in 32 bits.

    The graph is built when it first runs. One run uses all cores, so runs take turns. Graphs of one
    shape run on one core: more would wait for each other longer than they compute.

    Args:
        build: returns the graph; its inputs are among those that `run` is given.
        device: `cpu` or `gpu`.
        shapes: [B, S] that have graphs of their own, the smallest first; for graphs that are known
            to compute the same in a fixed shape (some that torch has exported do not), and for
            which a token of zeros in every input is none.
    """

    def __init__(
        self, build: Callable[[], "Model"], device: str = "cpu", shapes: Sequence[Shape] = ()
    ) -> None:
        self._build = build
        self._device = device.upper()
        self._shapes = shapes
        self._lock = Lock()
        self._requests: dict[Shape | None, Prepared] = {}

    def run(self, inputs: Mapping[str, Ids], output: int = 0) -> Matrix:
        """Returns one output as 32-bit floats, a row for each row of the inputs.

        Raises:
            ModelError: the run failed.
            ConfigurationError: the device is not there.
        """
        try:
            with self._lock:
                names = self._input_names
                rows, width = inputs[names[0]].shape
                request, places = self._request_for((rows, width))
                for name, place in places.items():
                    _fill(place, inputs[name], rows, width)
                request.infer(None if places else {name: inputs[name] for name in names})
                return np.array(request.get_output_tensor(output).data[:rows], np.float32)
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"OpenVINO on {self._device}: {reason}") from error

    @cached_property
    def precision(self) -> str:
        """`bf16` where the device computes in it, else `f32`."""
        able = self._core.get_property(self._device, "OPTIMIZATION_CAPABILITIES")
        return "bf16" if "BF16" in able else "f32"

    @cached_property
    def _core(self) -> Any:
        from openvino import Core  # noqa: PLC0415 - 0.3 s, only needed with a model

        core = Core()
        if self._device not in {name.partition(".")[0] for name in core.available_devices}:
            known = ", ".join(name.lower() for name in core.available_devices)
            raise ConfigurationError(
                f"RAG_MODEL_DEVICE={self._device.lower()}: OpenVINO sees only {known}"
            )
        return core

    def _request_for(self, shape: Shape) -> "Prepared":
        """Returns the compiled graph for a shape; each is built once, under the lock of `run`.

        A graph of one shape has places that its inputs are copied to: that is quicker than handing
        them over.
        """
        key = next((own for own in self._own_shapes if _holds(own, shape)), None)
        if key not in self._requests:
            request = self._compiled(key)
            names = self._input_names if key else ()
            self._requests[key] = request, {n: request.get_tensor(n).data for n in names}
        return self._requests[key]

    @property
    def _own_shapes(self) -> Sequence[Shape]:
        return self._shapes if self._device == "CPU" else ()

    def _compiled(self, shape: Shape | None) -> "InferRequest":
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        if self._device == "CPU":
            options["ENABLE_CPU_PINNING"] = False
        model = self._model
        if shape is not None:
            options["INFERENCE_NUM_THREADS"] = 1
            model = model.clone()  # the weights are shared
            model.reshape({name: list(shape) for name in self._input_names})
        return self._core.compile_model(model, self._device, options).create_infer_request()

    @cached_property
    def _model(self) -> "Model":
        return self._build()

    @cached_property
    def _input_names(self) -> list[str]:
        return [port.get_any_name() for port in self._model.inputs]


def _holds(own: Shape, shape: Shape) -> bool:
    return own[0] >= shape[0] and own[1] >= shape[1]


def _fill(place: Ids, texts: Ids, rows: int, width: int) -> None:
    """Copies texts to where they are read; what is left over are no tokens, and the first text."""
    place[:rows, :width] = texts
    place[:rows, width:] = 0
    place[rows:] = place[0]
