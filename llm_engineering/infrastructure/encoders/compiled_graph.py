"""A graph that OpenVINO has compiled for a device."""

from collections.abc import Callable, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from llm_engineering.domain.errors import ConfigurationError, ModelError
from llm_engineering.infrastructure.encoders.batching import Ids, Matrix

if TYPE_CHECKING:
    from openvino import InferRequest, Model


class CompiledGraph:
    """Runs a graph in 16-bit floats where the device computes in them, else in 32 bits.

    The graph is built when it first runs. One run uses all cores, so runs take turns.

    Args:
        build: returns the graph; its inputs are among those that `run` is given.
        device: `cpu` or `gpu`.
    """

    def __init__(self, build: Callable[[], "Model"], device: str = "cpu") -> None:
        self._build = build
        self._device = device.upper()
        self._lock = Lock()

    def run(self, inputs: Mapping[str, Ids], output: int = 0) -> Matrix:
        """Returns one output as 32-bit floats.

        Raises:
            ModelError: the run failed.
            ConfigurationError: the device is not there.
        """
        try:
            with self._lock:
                names = self._input_names
                self._request.infer({name: inputs[name] for name in names})
                return np.array(self._request.get_output_tensor(output).data, np.float32)
        except RuntimeError as error:
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

    @cached_property
    def _request(self) -> "InferRequest":
        """The compiled graph; built once, under the lock of `run`."""
        options: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        if self._device == "CPU":
            options["ENABLE_CPU_PINNING"] = False
        compiled = self._core.compile_model(self._build(), self._device, options)
        return compiled.create_infer_request()

    @cached_property
    def _input_names(self) -> list[str]:
        inputs = self._request.get_compiled_model().inputs
        return [port.get_any_name() for port in inputs]
