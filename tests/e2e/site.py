"""The pages that the commands crawl, put on a site of loopback."""

from tests.integration.crawlers.local_site import LocalSite

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title>
<meta name="author" content="{author}">
<meta property="article:published_time" content="2026-03-04T10:00:00+00:00"></head>
<body><nav><a href="/">home</a></nav><article><h1>{title}</h1>{body}</article></body></html>"""


def put_article(
    site: LocalSite, path: str, title: str, paragraphs: list[str], author: str = "Ada Lovelace"
) -> None:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    site.add(path, PAGE.format(title=title, author=author, body=body))


def put_index(site: LocalSite, *extra: str) -> None:
    """Makes the front page: a link to every page that is there, and to `extra` paths."""
    links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in (*site.pages, *extra))
    text = "<p>Notes on ships and gardens, written by hand and kept for years.</p>"
    body = f"{text}<ul>{links}</ul>"
    site.add("/", PAGE.format(title="Front", author="Ada Lovelace", body=body))


def fill(site: LocalSite) -> None:
    """Puts two articles and a front page on the site."""
    put_article(
        site,
        "/pump.html",
        "The bilge pump",
        [
            "The bilge pump starts when the water stands above 4 centimetres. It stops by "
            "itself after two minutes, or when the float has come down again.",
            "Clean the strainer every month, because weed in the strainer stops the pump.",
        ],
        "Grace Hopper",
    )
    put_article(
        site,
        "/orchard.html",
        "The orchard",
        [
            "Apple trees are pruned in late winter, before the buds open and the sap rises.",
            "Water young trees in the evening, so that little of the water is lost.",
        ],
    )
    put_index(site)
