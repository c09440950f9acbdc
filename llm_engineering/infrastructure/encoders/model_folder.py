"""A model's folder in the layout of the Hugging Face hub: settings, weights and tokenizer."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from llm_engineering.domain.errors import ModelError
from llm_engineering.domain.ids import fingerprint

_PASSAGE_PROMPTS = ("document", "passage", "corpus")  # sentence-transformers tries them in order
_SETTINGS = ("*.safetensors", "*.json")
_PROMPTS = "config_sentence_transformers.json"


class UnsupportedModel(ModelError):
    """The files are sound, but of an architecture that only another runtime knows."""


@dataclass(frozen=True)
class ModelFolder:
    """Reads what an encoder needs; every problem is a ModelError that names the file."""

    folder: Path

    @property
    def name(self) -> str:
        """A short name for people."""
        return self.folder.name

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The whole `config.json`."""
        return self.record("config.json")

    @property
    def pad_token_id(self) -> int:
        """The token that fills up a batch."""
        number = self.settings.get("pad_token_id") or 0
        if not isinstance(number, int):
            raise ModelError(f"{self.folder / 'config.json'}: pad_token_id is {number!r}")
        return number

    @cached_property
    def max_sequence(self) -> int:
        """Tokens the model reads, special tokens included.

        Raises:
            ModelError: no file says it.
        """
        limits = (
            self.record("sentence_bert_config.json", optional=True).get("max_seq_length"),
            self.record("tokenizer_config.json", optional=True).get("model_max_length"),
            self.settings.get("max_position_embeddings"),
        )
        known = [limit for limit in limits if limit]
        if wrong := [limit for limit in known if not _is_count(limit)]:
            raise ModelError(f"{self.folder}: {wrong[0]!r} is no number of tokens")
        if not known:
            raise ModelError(f"{self.folder}: no file says how many tokens the model reads")
        return int(min(known))

    @cached_property
    def prompts(self) -> Mapping[str, str]:
        """What the model wants in front of a text, by the text's role."""
        prompts = self.record(_PROMPTS, optional=True).get("prompts") or {}
        if not isinstance(prompts, dict):
            raise ModelError(f"{self.folder / _PROMPTS}: prompts are no JSON object")
        return {str(name): str(text) for name, text in prompts.items()}

    @cached_property
    def query_prompt(self) -> str:
        """What goes before a question, as `SentenceTransformer.encode_query` does it."""
        return self.prompts.get("query", self._default_prompt)

    @cached_property
    def passage_prompt(self) -> str:
        """What goes before a passage, as `SentenceTransformer.encode_document` does it."""
        named = (self.prompts[name] for name in _PASSAGE_PROMPTS if name in self.prompts)
        return next(named, self._default_prompt)

    @cached_property
    def _default_prompt(self) -> str:
        name = self.record(_PROMPTS, optional=True).get("default_prompt_name")
        return self.prompts.get(str(name), "")

    @property
    def pools_prompt(self) -> bool:
        """Whether the prompt's tokens count in a text's vector, as with all but a few models."""
        poolings = self.folder.glob("*Pooling/config.json")
        names = [path.relative_to(self.folder).as_posix() for path in poolings]
        return all(self.record(name).get("include_prompt", True) for name in names)

    @cached_property
    def fingerprint(self) -> str:
        """Names weights, tokenizer and settings; the number format of the processor is left out."""
        paths = sorted(path for pattern in _SETTINGS for path in self.folder.rglob(pattern))
        names = [path.relative_to(self.folder).as_posix() for path in paths]
        return fingerprint("folder-1", *(f"{name} {self.sha256(name)}" for name in names))

    def tokenizer(self) -> Tokenizer:
        """Returns a new tokenizer that neither truncates nor pads."""
        path = self.existing("tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exception for a corrupt file
            raise ModelError(f"{path}: not a tokenizer ({error})") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def json(self, name: str, missing: Any = None) -> Any:
        """Returns the content of a JSON file; `missing`, if given, where there is no such file."""
        path = self.folder / name
        if missing is not None and not path.exists():
            return missing
        try:
            return json.loads(self.existing(name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path}: not JSON ({error})") from error

    def record(self, name: str, *, optional: bool = False) -> Mapping[str, Any]:
        """Returns the object in a JSON file; an empty one where an optional file is missing."""
        found = self.json(name, {} if optional else None)
        if not isinstance(found, dict):
            raise ModelError(f"{self.folder / name}: not a JSON object")
        return found

    def sha256(self, name: str) -> str:
        """Returns the hash of a file in hexadecimal digits."""
        with self.existing(name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def existing(self, name: str) -> Path:
        """Returns the path of a file that must be there."""
        path = self.folder / name
        if not path.is_file():
            raise ModelError(f"{path}: missing; a sentence-transformers folder of BERT has it")
        return path


def _is_count(limit: object) -> bool:
    return isinstance(limit, int | float) and 1 <= limit < float("inf")
