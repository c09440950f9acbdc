"""The service with a chat model in its own process that answers at once.

What it costs is the service's own: HTTP, retrieval, prompt, checks, tracking.
"""

from unittest.mock import patch

from langchain_core.language_models import BaseChatModel

from benchmarks.served import quoted
from llm_engineering.application.rag.fallbacks import ChatModelChain
from llm_engineering.bootstrap import Platform
from llm_engineering.infrastructure.in_memory.chat_model import ScriptedChatModel
from llm_engineering.serving import service
from llm_engineering.serving.service import RAGService

__all__ = ["RAGService"]


class ScriptedPlatform(Platform):
    """The platform, but for its chat model, which quotes the first passage that it reads."""

    def chat_model(self, reference: str | None = None) -> BaseChatModel:
        """Returns the scripted model, in a chain as every model is."""
        name = reference or self.default_chat_model
        if name not in self._chat_models:
            self._chat_models[name] = ScriptedChatModel(lambda read: quoted(str(read[-1].text)))
        return ChatModelChain(models={name: self._chat_models[name]})


patch.object(service, "Platform", ScriptedPlatform).start()  # for as long as it serves
