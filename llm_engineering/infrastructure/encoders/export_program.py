"""Run as a program: writes a model as an OpenVINO graph, after checking it against torch.

A process of its own, so that torch's memory is given back at its end. It imports nothing of the
platform. Graphs take `input_ids`, `attention_mask` and, for pairs, `token_type_ids`. An embedder
gives its sentence vectors (its own pooling and layers included) and its token vectors, a
cross-encoder its logits.
"""

import sys
from pathlib import Path
from typing import Any

# what 32-bit floats may differ by between two implementations
_TOLERANCE = 1e-3


def main(kind: str, folder: str, target: Path) -> None:
    """Writes `model.xml` and `model.bin` into the target folder."""
    import openvino  # noqa: PLC0415 - slow to import
    import torch  # noqa: PLC0415 - slow to import

    module, names = _embedder(folder) if kind == "embedder" else _cross_encoder(folder)
    example = {name: torch.ones(2, 7, dtype=torch.int64) for name in names}
    shapes = [(name, openvino.PartialShape([-1, -1]), openvino.Type.i64) for name in names]
    with torch.no_grad():
        graph = openvino.convert_model(module, example_input=example, input=shapes)
        for port, name in zip(graph.inputs, names, strict=True):
            port.get_tensor().set_names({name})
        _check(graph, module, names)
    openvino.save_model(graph, target / "model.xml", compress_to_fp16=False)


def _embedder(folder: str) -> tuple[Any, list[str]]:
    import torch  # noqa: PLC0415 - slow to import
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - slow to import

    model = SentenceTransformer(folder, device="cpu", local_files_only=True).float().eval()

    class Embedder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, Any]:
            found = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return found["sentence_embedding"], found["token_embeddings"]

    return Embedder().eval(), ["input_ids", "attention_mask"]


def _cross_encoder(folder: str) -> tuple[Any, list[str]]:
    import torch  # noqa: PLC0415 - slow to import
    from transformers import (  # noqa: PLC0415 - slow to import
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )

    model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
    model = model.float().eval()
    known = AutoTokenizer.from_pretrained(folder, local_files_only=True).model_input_names
    names: list[str] = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in known]

    class CrossEncoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self, input_ids: Any, attention_mask: Any, token_type_ids: Any | None = None
        ) -> Any:
            segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            return self.model(input_ids, attention_mask, **segments).logits

    return CrossEncoder().eval(), names


def _check(graph: Any, module: Any, names: list[str]) -> None:
    """Compares both on another shape than the traced one, with padding."""
    import numpy as np  # noqa: PLC0415 - see above
    import openvino  # noqa: PLC0415 - see above
    import torch  # noqa: PLC0415 - see above

    inputs = {name: np.zeros((3, 11), np.int64) for name in names}
    inputs["input_ids"][:] = 2 + np.arange(33).reshape(3, 11) % 5
    inputs["attention_mask"][:] = [[1] * 11, [1] * 8 + [0] * 3, [1] * 3 + [0] * 8]
    expected = module(**{name: torch.from_numpy(value) for name, value in inputs.items()})
    expected = expected[0] if isinstance(expected, tuple) else expected
    precise = {"INFERENCE_PRECISION_HINT": "f32"}
    found = openvino.Core().compile_model(graph, "CPU", precise)(inputs)[0]
    difference = float(np.abs(found - expected.numpy()).max())
    if not difference < _TOLERANCE * max(1.0, float(expected.abs().max())):
        raise SystemExit(f"the exported graph differs from torch by {difference:.2g}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
