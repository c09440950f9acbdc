"""What a cross-encoder's folder says about its scores."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from llm_engineering.domain.errors import ModelError
from llm_engineering.infrastructure.encoders.batching import Matrix
from llm_engineering.infrastructure.encoders.bert_folder import BertFolder
from llm_engineering.infrastructure.encoders.model_folder import ModelFolder, UnsupportedModel

_BERT_HEAD = "BertForSequenceClassification"


@dataclass(frozen=True)
class CrossEncoderFolder(ModelFolder):
    """Reads a model with one label: how well the second text answers the first."""

    @cached_property
    def activation(self) -> str:
        """`Identity` or `Sigmoid`: what turns a logit into the score.

        sentence-transformers writes it into `config.json`, and takes the sigmoid without it.

        Raises:
            ModelError: the model has several labels, or another activation.
        """
        labels = len(self.settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"})
        if labels != 1:
            raise ModelError(f"{self.folder}: {labels} labels; a reranker has one")
        own = self.settings.get("sentence_transformers")
        named = own.get("activation_fn") if isinstance(own, dict) else None
        named = named or self.settings.get("sbert_ce_default_activation_function") or "Sigmoid"
        kind = str(named).rpartition(".")[2]
        if kind not in ("Identity", "Sigmoid"):
            raise ModelError(f"{self.folder / 'config.json'}: activation {named} is not supported")
        return kind

    def bert(self) -> BertFolder:
        """Returns the same folder as plain BERT with a classifier.

        Raises:
            UnsupportedModel: it is something else.
        """
        if self.settings.get("architectures") != [_BERT_HEAD]:
            raise UnsupportedModel(
                f"{self.folder / 'config.json'}: not a {_BERT_HEAD}, so torch has to export it"
            )
        return BertFolder(self.folder)

    def scores(self, logits: Matrix) -> Matrix:
        """Returns the scores of a batch, [B], from its logits, [B, 1]."""
        column = logits[:, 0].astype(np.float64)
        if self.activation == "Sigmoid":
            column = 1 / (1 + np.exp(-column))
        return column.astype(np.float32)

    def pair_tokenizer(self) -> Tokenizer:
        """Returns a tokenizer that shortens the longer text of a pair until both fit."""
        tokenizer = self.tokenizer()
        tokenizer.enable_truncation(self.max_sequence, strategy="longest_first")
        return tokenizer
