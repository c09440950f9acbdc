"""How git is run: with nothing of the user's, and its failures in our words."""

import signal
import time
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_engineering.domain.errors import FetchError, MissingDependency
from llm_engineering.infrastructure.crawlers import git as git_module
from llm_engineering.infrastructure.crawlers.git import Git, GitLimits, split_nul
from tests.integration.crawlers.git_serving import git, plumbing

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


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the objects of three files, of which one is empty."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, content in {"a.txt": b"tide\n", "b.bin": bytes(range(256)), "empty": b""}.items():
        (folder / name).write_bytes(content)
    git(folder, "add", ".")
    return folder


def object_of(repository: Path, name: str) -> str:
    return plumbing(repository, "rev-parse", f":{name}")


def test_contents_come_one_after_the_other_from_one_process(repository: Path) -> None:
    with Git().blobs(repository) as content:
        for name in ("a.txt", "empty", "b.bin", "a.txt"):
            assert content(object_of(repository, name)) == (repository / name).read_bytes()


def test_sizes_are_those_of_every_content(repository: Path) -> None:
    sizes = Git().sizes(repository)
    assert {name: sizes[object_of(repository, name)] for name in ("a.txt", "b.bin", "empty")} == {
        "a.txt": 5,
        "b.bin": 256,
        "empty": 0,
    }


@pytest.mark.parametrize("unknown", ["0" * 40, "no id", ""])
def test_an_object_that_is_not_there_is_named_and_the_next_one_comes(
    repository: Path, unknown: str
) -> None:
    with Git().blobs(repository) as content:
        with pytest.raises(FetchError, match=f"git gives no object {unknown}"):
            content(unknown)
        assert content(object_of(repository, "a.txt")) == b"tide\n"


def test_a_folder_that_is_no_repository_gives_no_object(tmp_path: Path) -> None:
    with Git().blobs(tmp_path) as content:
        for _ in range(2):
            with pytest.raises(FetchError, match=r"git gives no object|git ended early"):
                content("0" * 40)


def test_the_process_ends_with_the_block_also_after_an_error(repository: Path) -> None:
    with pytest.raises(KeyError, match="mine"), Git().blobs(repository) as content:
        content(object_of(repository, "a.txt"))
        raise KeyError("mine")


def test_a_command_that_takes_too_long_is_killed_and_may_be_tried_again(
    repository: Path,
) -> None:
    began = time.monotonic()
    with pytest.raises(FetchError, match=r"took longer than 0\.3 s") as failure:
        Git(GitLimits(timeout_s=0.3)).read(repository, "-c", "alias.slow=!sleep 60", "slow")
    assert failure.value.transient
    assert time.monotonic() - began < 20, "with all that it started"


def test_output_beyond_the_limit_is_an_error_and_not_cut_short(repository: Path) -> None:
    for number in range(200):
        (repository / f"{number:0200d}").touch()
    git(repository, "add", ".")
    assert len(Git().read(repository, "ls-files")) > 40_000
    with pytest.raises(FetchError, match="larger than 4,096 bytes"):
        Git(GitLimits(max_output_bytes=4_096)).read(repository, "ls-files")
