"""The tab that says why a document was, or was not, found."""

from llm_engineering.serving.limits import MAX_QUERY_CHARACTERS
from llm_engineering.serving.ui.actions import Actions, told
from llm_engineering.serving.ui.filtering import query_of
from llm_engineering.serving.ui.reports import explanation_html, problem_html
from llm_engineering.serving.ui.side_bar import SideBar, visitor_with


class WhyTab:
    """Its components, and what happens when one is clicked."""

    def __init__(self, actions: Actions, bar: SideBar) -> None:
        import gradio as gr

        self._actions = actions
        with gr.Column(elem_id="whying"):
            question = gr.Textbox(
                value="", label="Question", max_length=MAX_QUERY_CHARACTERS, elem_id="why-question"
            )
            url = gr.Textbox(
                value="",
                label="Address of the document",
                placeholder="https://…",
                info="Why is it, or is it not, among what the question finds?",
                max_lines=1,
                max_length=2000,
                elem_id="why-url",
            )
            why = gr.Button("Explain", variant="primary", elem_id="why")
        explanation = gr.HTML(js_on_load=None, elem_id="explanation")
        gr.on(
            [why.click, url.submit],
            self._explain,
            [question, url, bar.key, *bar.filters],
            explanation,
            show_progress="minimal",
            api_visibility="private",
        )

    async def _explain(
        self,
        question: str,
        url: str,
        key: str,
        authors: str,
        platforms: str,
        categories: list[str],
        since: str,
        until: str,
    ) -> str:
        visitor = visitor_with(key)
        try:
            query = query_of(question, authors, platforms, categories, since, until)
            return explanation_html(await self._actions.explain(query, url, visitor))
        except Exception as error:  # noqa: BLE001 - the page has to tell it
            return problem_html(told(error, visitor.request_id))
