from pathlib import Path

from llm_engineering.infrastructure.browser.flags import browser_environment, chromium_arguments


def arguments(*, as_root: bool) -> list[str]:
    return list(chromium_arguments(proxy_port=8123, profile=Path("/p"), as_root=as_root))


def test_everything_goes_through_the_proxy_loopback_too() -> None:
    given = arguments(as_root=False)
    assert "--proxy-server=http://127.0.0.1:8123" in given
    assert "--proxy-bypass-list=<-loopback>" in given
    assert "--disable-quic" in given
    assert "--user-data-dir=/p" in given


def test_only_root_goes_without_a_sandbox() -> None:
    assert "--no-sandbox" not in arguments(as_root=False)
    assert "--no-sandbox" in arguments(as_root=True)


def test_no_port_is_opened_for_debugging() -> None:
    assert not any("remote-debugging-port" in each for each in arguments(as_root=False))
    assert "--remote-debugging-pipe" in arguments(as_root=False)


def test_the_browser_sees_no_secret_of_the_environment() -> None:
    given = browser_environment(
        {"PATH": "/bin", "OPENAI_API_KEY": "k", "HTTPS_PROXY": "http://p", "HOME": "/root"},
        Path("/scratch"),
    )
    assert given == {"PATH": "/bin", "HOME": "/scratch"}
