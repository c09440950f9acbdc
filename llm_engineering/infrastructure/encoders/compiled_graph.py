"""A graph that OpenVINO has compiled for a device."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.batching import BUCKET, Ids, Matrix

if TYPE_CHECKING:
    from openvino import InferRequest, Model

    Prepared = tuple[InferRequest, Mapping[str, Ids]]


# Of short questions: the graph of any shape prepares itself anew each time that the shape changes,
# which takes a third of their CPU time. Each width takes 32 MB with MiniLM, so there are few.
QUESTION_WIDTHS = range(BUCKET, 32 + BUCKET, BUCKET)

Shape = tuple[int, int]


class CompiledGraph:
    """Runs a graph in 16-bit floats where the device computes in them, else in 32 bits.

    The graph is built when it first runs. One run uses all cores, so runs take turns. Graphs of one
    width run on one core: more would wait for each other longer than they compute.

    Args:
        build: returns the graph; its inputs are among those that `run` is given.
        device: `cpu` or `gpu`.
        widths: of single texts that have graphs of their own; for graphs that are known to compute
            the same in a fixed shape (some that torch has exported do not).
    """

    def __init__(
        self, build: Callable[[], "Model"], device: str = "cpu", widths: Sequence[int] = ()
    ) -> None:
        self._build = build
        self._device = device.upper()
        self._widths = widths
        self._lock = Lock()
        self._requests: dict[Shape | None, Prepared] = {}

    def run(self, inputs: Mapping[str, Ids], output: int = 0) -> Matrix:
        """Returns one output as 32-bit floats.

        Raises:
            ModelError: the run failed.
            ConfigurationError: the device is not there.
        """
        try:
            with self._lock:
                names = self._input_names
                request, places = self._request_for(inputs[names[0]].shape)
                for name, place in places.items():
                    np.copyto(place, inputs[name])
                request.infer(None if places else {name: inputs[name] for name in names})
                return np.array(request.get_output_tensor(output).data, np.float32)
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
        alone = self._device == "CPU" and shape[0] == 1 and shape[1] in self._widths
        key = shape if alone else None
        if key not in self._requests:
            request = self._compiled(key)
            names = self._input_names if key else ()
            self._requests[key] = request, {n: request.get_tensor(n).data for n in names}
        return self._requests[key]

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
