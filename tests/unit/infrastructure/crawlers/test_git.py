"""How git is run: with nothing of the user's, and its failures in our words."""

import signal
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError, MissingDependency
from llm_engineering.infrastructure.crawlers import git as git_module
from llm_engineering.infrastructure.crawlers.git import Git, GitLimits, split_nul

LIMIT = 5_000_000


def failure(text: str, status: int = 128) -> Exception:
    return git_module._failure(
        "https://example.org/x.git", status, BytesIO(text.encode("utf-8", "replace")), LIMIT
    )


@pytest.mark.parametrize(
    ("text", "reason", "transient"),
    [
        ("fatal: repository 'x' not found\n", "git: repository 'x' not found", False),
        ("warning: hm\nfatal: Could not resolve host: x\n", "Could not resolve host", True),
        ("fatal: unable to access 'x': Connection refused", "Connection refused", True),
        ("fatal: early EOF", "early EOF", True),
        ("error: RPC failed; HTTP 503\nfatal: the remote end hung up", "HTTP 503", True),
        ("fatal: unable to access: operation timed out", "timed out", True),
        ("something else\nlast words", "git: last words", False),
        ("", "git: exit status 128", False),
        ("fatal: cannot write: File too large", f"larger than {LIMIT:,} bytes", False),
        ("error: index-pack died of signal 25", f"larger than {LIMIT:,} bytes", False),
        ("fatal: fetch-pack: invalid index-pack output", f"larger than {LIMIT:,} bytes", False),
    ],
)
def test_failures_say_why_and_whether_a_retry_may_help(
    text: str, reason: str, transient: bool
) -> None:
    error = failure(text)
    assert isinstance(error, FetchError)
    assert reason in error.reason
    assert error.transient is transient
    assert "\n" not in str(error)


def test_a_process_ended_by_the_size_limit_is_too_large_whatever_it_said() -> None:
    error = failure("", status=-signal.SIGXFSZ)
    assert isinstance(error, FetchError)
    assert error.reason == "larger than 5,000,000 bytes"


def test_without_git_the_message_says_what_to_install() -> None:
    error = failure("", status=127)
    assert isinstance(error, MissingDependency)
    assert "install the package `git`" in str(error)


def test_git_sees_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "HTTPS_PROXY", "LD_PRELOAD"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates.pem")
    environment = git_module._environment("https")
    assert "canary" not in environment.values()
    assert environment["SSL_CERT_FILE"] == "/certificates.pem"
    assert environment["GIT_ALLOW_PROTOCOL"] == "https"
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert environment["GIT_CONFIG_NOSYSTEM"] == "1"


@pytest.mark.parametrize(
    "setting",
    ["core.hooksPath=/dev/null", "core.symlinks=false", "http.followRedirects=false"],
)
def test_every_command_carries_the_safe_settings(setting: str) -> None:
    command = list(git_module._command(["clone", "--", "url"], ["http.sslVerify=true"], 1024))
    position = command.index(setting)
    assert command[position - 1] == "-c"
    assert position < command.index("clone")
    assert command.index("http.sslVerify=true") < command.index("clone")
    assert command[3] == "2", "the limit counts blocks of 512 bytes"


def test_an_address_is_never_taken_for_an_option(tmp_path: Path) -> None:
    hostile = "--upload-pack=touch pwned"
    with pytest.raises(FetchError):
        Git(GitLimits(timeout_s=20)).clone(hostile, tmp_path / "clone", ())
    assert not (tmp_path / "pwned").exists()
    assert not Path("pwned").exists()


@pytest.mark.parametrize("url", ["file:///etc", "ext::sh -c id", "/etc", "ssh://x/y"])
def test_protocols_that_reach_into_this_machine_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError):
        Git(GitLimits(timeout_s=20)).read(tmp_path, "ls-remote", "--", url)


def test_a_folder_that_is_no_repository_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="not a git repository") as failed:
        Git().read(tmp_path, "rev-parse", "HEAD")
    assert not failed.value.transient


@given(
    st.lists(st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
)
def test_records_come_back_as_they_were(records: list[str]) -> None:
    output = b"".join(record.encode() + b"\0" for record in records)
    assert list(split_nul(output)) == records


def test_paths_that_are_no_utf8_and_empty_records_are_left_out() -> None:
    assert list(split_nul(b"a\0\xff\xfe\0\0b")) == ["a", "b"]
    assert list(split_nul(b"")) == []
