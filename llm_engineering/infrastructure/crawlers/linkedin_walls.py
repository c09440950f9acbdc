"""What LinkedIn shows in place of a page: log-in walls, security checks, refusals."""

import re
from enum import Enum
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from llm_engineering.application.ports.browsing import RenderedPage

LOGIN_FORM = "input[name=session_password], input#password"
MARKS = f"{LOGIN_FORM}, .authwall-join-form, #captcha-internal, iframe[src*=captcha]"

_LOGIN_PATH = re.compile(r"/(?:authwall|login|signup|uas/login|checkpoint/(?:lg|rm)/|m/login)")
_CHECK_PATH = re.compile(r"/checkpoint/")
_CHECKS = "#captcha-internal, iframe[src*=captcha], form[action*='/checkpoint/challenge']"
_WALLS = "meta[name=pageKey][content^=auth_wall], .authwall-join-form, main.authwall, body.authwall"
_LEADS_TO_WALL = re.compile(r"location(?:\.href)?\s*=[^;]{0,200}/authwall", re.S)
_JOIN = re.compile(r"\b(?:join|sign in|log in) to (?:view|see|continue)\b", re.I)
_REFUSED, _TOO_MANY = 999, 429

_HOW = (
    "set LINKEDIN_USERNAME and LINKEDIN_PASSWORD, or LINKEDIN_BROWSER_PROFILE to a profile that is "
    "logged in (docs/linkedin.md)"
)


class Wall(Enum):
    """What stands there, and what can be done about it."""

    LOGIN = f"LinkedIn asks for a log-in: {_HOW}"
    CHECK = (
        "LinkedIn asks for a security check: log in once by hand and set LINKEDIN_BROWSER_PROFILE "
        "to that profile (docs/linkedin.md)"
    )
    REFUSED = f"LinkedIn refuses automated requests (HTTP {_REFUSED}): wait some hours, or {_HOW}"
    TOO_MANY = f"LinkedIn has had too many requests (HTTP {_TOO_MANY}): wait some hours"


def wall_of(page: RenderedPage) -> Wall | None:
    """Returns what stands in place of the page, None if it is the page itself.

    A guest's page asks to join too, beside its content: that alone is no wall, see `asks_to_join`.
    """
    if page.status in (_REFUSED, _TOO_MANY):
        return Wall.REFUSED if page.status == _REFUSED else Wall.TOO_MANY
    path = urlsplit(page.url).path
    if _LOGIN_PATH.match(path):
        return Wall.LOGIN
    if _CHECK_PATH.match(path):
        return Wall.CHECK
    soup = BeautifulSoup(page.html, "lxml")
    if soup.select_one(_CHECKS):
        return Wall.CHECK
    return Wall.LOGIN if soup.select_one(_WALLS) or _LEADS_TO_WALL.search(page.html) else None


def asks_to_join(html: str) -> bool:
    """Returns whether a page without content says that members would see some."""
    soup = BeautifulSoup(html, "lxml")
    return bool(_JOIN.search(soup.get_text(" ", strip=True)) or soup.select_one(LOGIN_FORM))
