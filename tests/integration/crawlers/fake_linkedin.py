"""A LinkedIn on loopback: a log-in with a token, a wall, a profile, and a feed without end."""

import secrets
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.integration.crawlers.local_site import LocalSite, answer
from tests.linkedin_pages import (
    ACTIVITY,
    AUTHWALL,
    feed_page,
    guest_article,
    image,
    item,
    profile_page,
    update,
)

USERNAME, PASSWORD = "ada@example.org", "canary-pa55word"
CHECKED = "checked@example.org"
POSTS = 9
_HTML = {"Content_Type": "text/html; charset=utf-8"}


class FakeLinkedIn:
    """Puts its pages on a local site. `logins` are the names that tried, in order."""

    def __init__(self, site: LocalSite) -> None:
        self.site = site
        self.logins: list[str] = []
        self._token = secrets.token_hex(8)
        self._cookie = secrets.token_hex(8)
        updates = [
            update(0, "First post\n\nwith two paragraphs", imageComponent=image("loom.png")),
            update(
                1,
                "My article",
                articleComponent={"navigationContext": {"actionTarget": "/pulse/on-looms"}},
            ),
        ]
        self._member("/in/ada-example/", profile_page())
        self._member(
            "/in/ada-example/recent-activity/all/", feed_page(updates, more="/voyager/feed")
        )
        self._member("/in/nobody/", "<main><h1>Join to view full profile</h1></main>")
        site.pages["/voyager/feed"] = self._more
        site.add("/pulse/on-looms", guest_article(json_ld=True))
        site.add("/authwall", AUTHWALL)
        site.add("/login", self._form())
        site.add("/uas/login", self._form("<div id='error-for-password'>Wrong</div>"))
        site.add("/checkpoint/challenge/x", "<main><h1>Quick security check</h1></main>")
        site.pages["/checkpoint/lg/login-submit"] = self._log_in
        site.status("/posts/refused", 999)
        site.add("/feed/", "<main>feed</main>")

    def _form(self, error: str = "") -> str:
        return (
            "<html><body><form method='post' action='/checkpoint/lg/login-submit'>"
            f"<input type='hidden' name='loginCsrfParam' value='{self._token}'>"
            "<input id='username' name='session_key'>"
            f"<input id='password' name='session_password' type='password'>{error}"
            "<button type='submit'>Sign in</button></form></body></html>"
        )

    def _member(self, path: str, page: str) -> None:
        def send(request: BaseHTTPRequestHandler) -> None:
            if f"li_at={self._cookie}" in request.headers.get("Cookie", ""):
                answer(page, _HTML)(request)
            else:
                answer(b"", {"Location": f"/authwall?sessionRedirect={path}"}, 302)(request)

        self.site.pages[path] = send

    def _more(self, request: BaseHTTPRequestHandler) -> None:
        start = int(parse_qs(urlsplit(request.path).query)["start"][0])
        items = [item(number, f"Post {number}") for number in range(start, min(start + 2, POSTS))]
        answer("".join(items), _HTML, 200 if items else 404)(request)

    def _log_in(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["Content-Length"])
        form = parse_qs(request.rfile.read(length).decode())
        name = form["session_key"][0]
        self.logins.append(name)
        if form["loginCsrfParam"] != [self._token]:
            answer(b"bad token", {}, 403)(request)
        elif name == CHECKED:
            answer(b"", {"Location": "/checkpoint/challenge/x"}, 302)(request)
        elif (name, form["session_password"][0]) == (USERNAME, PASSWORD):
            cookie = f"li_at={self._cookie}; Path=/; HttpOnly"
            answer(b"", {"Location": "/feed/", "Set_Cookie": cookie}, 302)(request)
        else:
            answer(b"", {"Location": "/uas/login"}, 302)(request)


def post_url(number: int) -> str:
    return f"https://www.linkedin.com/feed/update/urn:li:activity:{ACTIVITY + number}"
