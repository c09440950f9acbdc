"""One running Chromium: proxy, driver process and WebDriver session, started and ended together."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llm_engineering.domain.errors import ConfigurationError
from llm_engineering.infrastructure.browser.failures import (
    BrowserCrashed,
    PageFailed,
    PageHangs,
    translated,
)
from llm_engineering.infrastructure.browser.flags import chromium_arguments
from llm_engineering.infrastructure.browser.limits import BrowserLimits
from llm_engineering.infrastructure.browser.process import DriverProcess
from llm_engineering.infrastructure.browser.programs import Programs
from llm_engineering.infrastructure.browser.proxy import FilteringProxy, ProxyLimits, Resolve

if TYPE_CHECKING:
    from selenium.webdriver import Remote
    from selenium.webdriver.remote.remote_connection import RemoteConnection

_CDP = "executeCdpCommand"
_RESTRICTIONS: dict[str, dict[str, object]] = {
    "Browser.setDownloadBehavior": {"behavior": "deny"},
    "Network.enable": {},
    "Network.setBlockedURLs": {"urls": ["file:*", "ftp:*"]},
}
_COMMAND_S = 30  # how long the driver may take to answer, beyond the time of the page itself


class BrowserSession:
    """A Chromium that runs until `close`.

    Args:
        programs: the browser and its driver.
        resolve: the addresses that the browser may connect to; see FilteringProxy.
        profile: a folder that keeps cookies and log-ins; None begins without any each time.
        limits: bounds of a page.

    Raises:
        ConfigurationError: it does not start.
    """

    def __init__(
        self,
        programs: Programs,
        resolve: Resolve,
        profile: Path | None,
        limits: BrowserLimits,
    ) -> None:
        self.proxy = FilteringProxy(resolve, ProxyLimits(max_bytes=limits.max_transfer_bytes))
        self.proxy.start()
        try:
            self._process = DriverProcess(programs.driver)
            try:
                self.proxy.close_port(self._process.port)
                self.driver = self._connect(programs.browser, profile, limits)
            except BaseException:
                self._process.close()
                raise
        except BaseException:
            self.proxy.close()
            raise

    def close(self, *, in_order: bool = True) -> None:
        """Ends it all; `in_order` lets Chromium write its profile first."""
        try:
            if in_order:
                with suppress(BrowserCrashed, PageFailed, PageHangs), translated():
                    self.driver.quit()
        finally:
            self._process.close()
            self.proxy.close()

    def _connect(self, browser: Path, profile: Path | None, limits: BrowserLimits) -> "Remote":
        from selenium.webdriver import ChromeOptions, Remote  # noqa: PLC0415 - slow to import

        _keep_typed_text_out_of_logs()
        options = ChromeOptions()
        options.binary_location = str(browser)
        folder = profile or self._process.scratch / "profile"
        for argument in chromium_arguments(
            proxy_port=self.proxy.port, profile=folder, as_root=os.geteuid() == 0
        ):
            options.add_argument(argument)
        options.add_experimental_option("excludeSwitches", ["disable-popup-blocking"])
        options.unhandled_prompt_behavior = "dismiss"
        try:
            with translated():
                connection = _connection(self._process.port, limits.load_timeout_s)
                driver = Remote(connection, options=options)
                driver.set_page_load_timeout(limits.load_timeout_s)
                driver.set_script_timeout(limits.script_timeout_s)
                for command, arguments in _RESTRICTIONS.items():
                    driver.execute(_CDP, {"cmd": command, "params": arguments})
        except (BrowserCrashed, PageFailed, PageHangs) as error:
            raise ConfigurationError(_why_not_started(str(error), folder)) from error
        return driver


def _connection(port: int, load_timeout_s: float) -> "RemoteConnection":
    """Returns a connection to the driver that no proxy of the environment stands in."""
    from selenium.webdriver.common.proxy import Proxy, ProxyType  # noqa: PLC0415 - slow to import
    from selenium.webdriver.remote.client_config import ClientConfig  # noqa: PLC0415
    from selenium.webdriver.remote.remote_connection import RemoteConnection  # noqa: PLC0415

    connection = RemoteConnection(
        client_config=ClientConfig(
            f"http://127.0.0.1:{port}",
            proxy=Proxy({"proxyType": ProxyType.DIRECT}),
            timeout=int(load_timeout_s) + _COMMAND_S,
        )
    )
    address = "/session/$sessionId/goog/cdp/execute"
    connection.add_command(_CDP, "POST", address)  # type: ignore[no-untyped-call]
    return connection


def _why_not_started(message: str, profile: Path) -> str:
    line = message.strip().removeprefix("Message: ").partition("\n")[0]
    if "already in use" in message or "in use by another" in message or "SingletonLock" in message:
        return f"browser profile {profile} is in use: close the other Chromium or crawl"
    return f"Chromium does not start: {line:.300}"


def _keep_typed_text_out_of_logs() -> None:
    """Selenium logs every command at DEBUG, and with it the passwords that are typed."""
    logger = logging.getLogger("selenium.webdriver.remote.remote_connection")
    logger.setLevel(max(logger.level, logging.INFO))
