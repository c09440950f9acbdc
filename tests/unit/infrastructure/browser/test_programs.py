from pathlib import Path

import pytest

from llm_engineering.domain.errors import ConfigurationError, MissingDependency
from llm_engineering.infrastructure.browser.programs import Programs, find_programs


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def none(name: str) -> str | None:
    return None


def test_what_is_set_comes_first(tmp_path: Path) -> None:
    browser, driver = program(tmp_path / "browser"), program(tmp_path / "driver")
    found = find_programs(browser, driver, which=lambda name: f"/usr/bin/{name}")
    assert found == Programs(browser, driver)


def test_what_is_installed_comes_next() -> None:
    installed = {"google-chrome": "/opt/chrome", "chromedriver": "/opt/driver"}
    found = find_programs(None, None, which=installed.get)
    assert found == Programs(Path("/opt/chrome"), Path("/opt/driver"))


def test_a_driver_is_downloaded_at_last() -> None:
    which = {"chromium": "/usr/bin/chromium"}.get
    found = find_programs(None, None, which=which, download=lambda: "/cache/driver")
    assert found == Programs(Path("/usr/bin/chromium"), Path("/cache/driver"))


def test_a_setting_that_names_no_program_is_told(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    for wrong in (plain, tmp_path, tmp_path / "absent"):
        with pytest.raises(
            ConfigurationError, match=f"CHROMEDRIVER_PATH: {wrong} is not a program"
        ):
            find_programs(program(tmp_path / "browser"), wrong)
        with pytest.raises(ConfigurationError, match="CHROME_BINARY"):
            find_programs(wrong, None)


def test_no_browser_says_what_to_type() -> None:
    with pytest.raises(MissingDependency, match="apt-get install chromium chromium-driver"):
        find_programs(None, None, which=none)


def test_no_driver_and_no_network_says_what_to_type() -> None:
    def download() -> str:
        raise ConnectionError("Could not reach host.\nAre you offline?")

    which = {"chromium": "/usr/bin/chromium"}.get
    with pytest.raises(MissingDependency) as failure:
        find_programs(None, None, which=which, download=download)
    assert "Could not reach host. Are you offline?" in str(failure.value)
    assert "CHROMEDRIVER_PATH" in str(failure.value)
    assert "\n" not in str(failure.value)
