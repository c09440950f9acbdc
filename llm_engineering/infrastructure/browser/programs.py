"""Finds Chromium and its driver on this machine."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_engineering.domain.errors import ConfigurationError, MissingDependency

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_BROWSER_PATHS = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
_DRIVERS = ("chromedriver",)
_DRIVER_PATHS = ("/usr/lib/chromium-browser/chromedriver", "/usr/lib/chromium/chromedriver")
_HOW = (
    "type: apt-get install chromium chromium-driver (Debian), or set CHROME_BINARY and "
    "CHROMEDRIVER_PATH"
)


@dataclass(frozen=True)
class Programs:
    """Where the browser and its driver are."""

    browser: Path
    driver: Path


def find_programs(
    browser: Path | None,
    driver: Path | None,
    *,
    which: Callable[[str], str | None] = shutil.which,
    download: Callable[[], str] | None = None,
) -> Programs:
    """Returns Chromium or Chrome and its driver: as set, as installed, or a downloaded driver.

    Args:
        browser: the setting CHROME_BINARY.
        driver: the setting CHROMEDRIVER_PATH.
        which: finds a program of the system by its name.
        download: brings a driver that fits the browser, by default webdriver-manager.

    Raises:
        ConfigurationError: a setting names no program.
        MissingDependency: there is none; says what to type.
    """
    found = _as_set("CHROME_BINARY", browser) or _installed(_BROWSERS, _BROWSER_PATHS, which)
    if found is None:
        raise MissingDependency(f"no Chromium or Chrome found; {_HOW}")
    its_driver = _as_set("CHROMEDRIVER_PATH", driver) or _installed(_DRIVERS, _DRIVER_PATHS, which)
    return Programs(found, its_driver or _downloaded(found, download))


def _as_set(name: str, path: Path | None) -> Path | None:
    if path is None:
        return None
    program = path.expanduser().absolute()
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise ConfigurationError(f"{name}: {path} is not a program; {_HOW}")
    return program


def _installed(
    names: Sequence[str], paths: Sequence[str], which: Callable[[str], str | None]
) -> Path | None:
    found = (which(name) for name in (*names, *paths))
    return next((Path(path) for path in found if path), None)


def _downloaded(browser: Path, download: Callable[[], str] | None) -> Path:
    try:
        return Path((download or _by_webdriver_manager(browser))())
    except Exception as error:  # requests' errors, ValueError for an unknown version, OSError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MissingDependency(
            f"no chromedriver found, and it cannot be downloaded ({reason:.120}); {_HOW}"
        ) from error


def _by_webdriver_manager(browser: Path) -> Callable[[], str]:
    from webdriver_manager.chrome import ChromeDriverManager  # noqa: PLC0415 - slow to import
    from webdriver_manager.core.os_manager import ChromeType  # noqa: PLC0415

    kind = ChromeType.CHROMIUM if "chromium" in browser.name else ChromeType.GOOGLE
    return ChromeDriverManager(chrome_type=kind).install
