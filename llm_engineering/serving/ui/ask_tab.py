"""The tab to ask: a conversation, the sources beside each answer, and what one thinks of it."""

from collections.abc import AsyncGenerator
from typing import Any

from llm_engineering.domain.feedback import Vote
from llm_engineering.serving.limits import MAX_QUERY_CHARACTERS
from llm_engineering.serving.ui.actions import Actions, Visitor, told
from llm_engineering.serving.ui.answers import answer_html
from llm_engineering.serving.ui.exchange import Exchange
from llm_engineering.serving.ui.filtering import query_of
from llm_engineering.serving.ui.reports import problem_html
from llm_engineering.serving.ui.side_bar import SideBar, visible, visitor_with
from llm_engineering.serving.ui.sources import past_html, sources_html

_MOST_KEPT = 20  # exchanges of a conversation
_IDLE_S = 3600.0  # a conversation is forgotten after that
_THANKS = '<p class="thanks" role="status">Thank you. This is kept with the question.</p>'
Conversation = tuple[Exchange, ...]


class AskTab:
    """Its components, and what happens when one is clicked: a dict has those that change."""

    def __init__(self, actions: Actions, bar: SideBar) -> None:
        import gradio as gr

        self._actions = actions
        self._conversation = gr.State((), time_to_live=_IDLE_S)
        with gr.Row(elem_id="asking"):
            self._question = gr.Textbox(
                value="",
                placeholder="Ask a question, or follow up",
                show_label=False,
                container=False,
                scale=8,
                max_length=MAX_QUERY_CHARACTERS,
                elem_id="question",
            )
            self._send = gr.Button("Ask", variant="primary", min_width=90, scale=1, elem_id="ask")
            self._stop = gr.Button("Stop", visible=False, min_width=90, scale=1, elem_id="stop")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=360):
                self._answer = gr.HTML(js_on_load=None, elem_id="answer")
                self._lay_out_feedback()
            with gr.Column(scale=2, min_width=320):
                self._sources = gr.HTML(js_on_load=None, elem_id="sources")
        self._past = gr.HTML(js_on_load=None, elem_id="past")
        self._wire(bar)

    def _lay_out_feedback(self) -> None:
        import gradio as gr

        with gr.Column(visible=False, elem_id="feedback") as self._feedback:
            self._better = gr.Textbox(
                value="",
                placeholder="What would have been the right answer? (if you like)",
                show_label=False,
                lines=1,
                max_lines=6,
                max_length=8000,
                elem_id="better",
            )
            with gr.Row():
                self._up = gr.Button("Good answer", size="sm", elem_id="up")
                self._down = gr.Button("Bad answer", size="sm", elem_id="down")
        self._thanks = gr.HTML(js_on_load=None, elem_id="thanks")

    def _wire(self, bar: SideBar) -> None:
        import gradio as gr

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        answering = [self._question, self._conversation, self._answer, self._sources, self._past]
        afterwards = [self._feedback, self._better, self._thanks]
        buttons = [self._send, self._stop]
        asked = gr.on(
            [self._question.submit, self._send.click],
            self._ask,
            [self._conversation, self._question, bar.key, *bar.filters],
            [*answering, *afterwards, *buttons],
            **quiet,
        )
        self._stop.click(self._stopped, None, buttons, cancels=[asked], **quiet)
        for button, vote in ((self._up, self._praise), (self._down, self._blame)):
            inputs = [self._conversation, self._better, bar.key]
            button.click(vote, inputs, afterwards, **quiet)

    async def _ask(
        self,
        conversation: Conversation,
        question: str,
        key: str,
        authors: str,
        platforms: str,
        categories: list[str],
        since: str,
        until: str,
    ) -> AsyncGenerator[dict[Any, Any], None]:
        yield {
            self._question: "",
            self._past: past_html(conversation),
            self._feedback: visible(False),
            self._better: "",
            self._thanks: "",
            self._send: visible(False),
            self._stop: visible(True),
        }
        before = begun = self._actions.begun(question, conversation)
        async for now in self._actions.ask(
            begun,
            lambda: query_of(question, authors, platforms, categories, since, until),
            visitor_with(key),
            conversation,
        ):
            changed = {self._answer: answer_html(now)}
            if now is begun or (now.passages, now.answer) != (before.passages, before.answer):
                changed[self._sources] = sources_html(now)  # else what is open would close
            yield changed
            before = now
        yield {
            self._conversation: (*conversation, before)[-_MOST_KEPT:],
            self._feedback: visible(before.answer is not None),
            self._send: visible(True),
            self._stop: visible(False),
        }

    async def _stopped(self) -> dict[Any, Any]:
        return {self._send: visible(True), self._stop: visible(False)}

    async def _praise(self, conversation: Conversation, better: str, key: str) -> dict[Any, Any]:
        return await self._rated(conversation, Vote.UP, better, visitor_with(key))

    async def _blame(self, conversation: Conversation, better: str, key: str) -> dict[Any, Any]:
        return await self._rated(conversation, Vote.DOWN, better, visitor_with(key))

    async def _rated(
        self, conversation: Conversation, vote: Vote, better: str, visitor: Visitor
    ) -> dict[Any, Any]:
        try:
            await self._actions.vote(conversation, vote, better, visitor)
        except Exception as error:  # noqa: BLE001 - the page has to tell it
            return {self._thanks: problem_html(told(error, visitor.request_id))}
        return {
            self._thanks: _THANKS,
            self._better: "",
            self._feedback: visible(False),
        }
