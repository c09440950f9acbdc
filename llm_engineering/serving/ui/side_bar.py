"""The side bar: the API key, what the search is restricted to, and what answers."""

from typing import TYPE_CHECKING, Any

from llm_engineering.domain.types import DataCategory
from llm_engineering.serving.problems import Refusal
from llm_engineering.serving.ui.actions import UNAUTHORIZED, Actions, Visitor, told
from llm_engineering.serving.ui.reports import problem_html

if TYPE_CHECKING:
    import gradio as gr

_LONGEST = 500  # characters of a filter


class SideBar:
    """Its components; `key` and `filters` go with every question."""

    def __init__(self, actions: Actions, title: str) -> None:
        import gradio as gr

        self._actions = actions
        gr.HTML(f"<h2>{title}</h2>", js_on_load=None)
        self.key = gr.Textbox(
            value="",
            label="API key",
            type="password",
            info="This service asks for one. Press Enter; it is kept in this tab alone.",
            visible=False,
            elem_id="key",
        )
        gr.HTML("<h4>Search only</h4>", js_on_load=None)
        self.filters = _filters()
        gr.HTML("<h4>What answers</h4>", js_on_load=None)
        self._status = gr.HTML(js_on_load=None, elem_id="status")
        self._refresh = gr.Button("Refresh", size="sm", elem_id="refresh")

    def tell_status(self, page: "gr.Blocks") -> None:
        """Has the status told when the page opens, and when the reader wants it."""
        import gradio as gr

        gr.on(
            [page.load, self.key.submit, self._refresh.click],
            self._tell_status,
            [self.key],
            [self.key, self._status],
            show_progress="hidden",
            api_visibility="private",
        )

    async def _tell_status(self, key: str) -> dict[Any, Any]:
        visitor = visitor_with(key)
        try:
            return {self._status: await self._actions.status(visitor)}
        except Exception as error:  # noqa: BLE001 - the page has to tell it
            status = problem_html(told(error, visitor.request_id))
            if isinstance(error, Refusal) and error.status_code == UNAUTHORIZED:
                return {self._status: status, self.key: visible(True)}
            return {self._status: status}


def visitor_with(key: str) -> Visitor:
    """Returns who sent the request that Gradio works on."""
    from gradio.context import LocalContext

    asked = LocalContext.request.get()
    if asked is None or asked.request is None:
        raise AssertionError("Gradio has a request where it was mounted")
    return Visitor(asked.request, key)


def visible(shown: bool) -> dict[str, Any]:
    """Returns the update of a component that shows or hides it."""
    import gradio as gr

    return gr.update(visible=shown)


def _filters() -> "list[gr.components.Component]":
    """Returns the components of authors, platforms, categories, first and last day."""
    import gradio as gr

    authors = gr.Textbox(
        value="",
        label="Authors",
        placeholder="Ada Lovelace, Grace Hopper",
        max_lines=1,
        max_length=_LONGEST,
        elem_id="authors",
    )
    platforms = gr.Textbox(
        value="",
        label="Platforms",
        placeholder="medium.com",
        max_lines=1,
        max_length=_LONGEST,
        elem_id="platforms",
    )
    categories = gr.CheckboxGroup(
        [category.value for category in DataCategory], label="Categories", elem_id="categories"
    )
    with gr.Row():
        days = [
            gr.Textbox(
                value="",
                label=label,
                placeholder="2026-05-01",
                max_lines=1,
                max_length=10,
                min_width=100,
                elem_id=label.lower(),
            )
            for label in ("From", "To")
        ]
    return [authors, platforms, categories, *days]
