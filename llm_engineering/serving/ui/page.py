"""The page: its tabs beside its side bar, as an application of Gradio."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from llm_engineering.serving.ui.actions import Actions
from llm_engineering.serving.ui.ask_tab import AskTab
from llm_engineering.serving.ui.side_bar import SideBar
from llm_engineering.serving.ui.why_tab import WhyTab

if TYPE_CHECKING:
    import gradio as gr

_TITLE = "LLM Pipeline System"
_STYLE = Path(__file__).with_name("page.css")
_SESSIONS = 1000  # conversations that are remembered at once
_INTRO = (
    "<h1>Ask your corpus</h1>"
    "<p>Answers are checked against their sources. Open one to see the words that carry it.</p>"
)


def gradio_app(actions: Actions, path: str) -> FastAPI:
    """Returns the application that serves the page under `path`; enter its lifespan first."""
    import gradio as gr

    app, page = FastAPI(), _blocks(actions)
    # the turnstile of the routes turns away what is too much
    page.queue(default_concurrency_limit=None, api_open=False)
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # else pandas counts after every event
    page.state_session_capacity = _SESSIONS
    gr.mount_gradio_app(
        app,
        page,
        path,
        theme=_theme(),
        css=_STYLE.read_text("utf-8"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        show_error=False,
        max_file_size=1,
    )
    # a connection for as long as a page is open: it would hold up the end of the service
    page.config["connect_heartbeat"] = False
    return app


def _blocks(actions: Actions) -> "gr.Blocks":
    import gradio as gr

    page = gr.Blocks(title=_TITLE, analytics_enabled=False, fill_width=True)
    with page:
        with gr.Sidebar(width=340):
            bar = SideBar(actions, _TITLE)
        with gr.Column(elem_id="main"):
            gr.HTML(_INTRO, js_on_load=None, elem_id="intro")
            with gr.Tabs():
                with gr.Tab("Ask"):
                    AskTab(actions, bar)
                with gr.Tab("Why not?"):
                    WhyTab(actions, bar)
        bar.tell_status(page)
    return page


def _theme() -> "gr.themes.Base":
    """Returns a theme whose fonts are those of the reader's system: others would be fetched."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
