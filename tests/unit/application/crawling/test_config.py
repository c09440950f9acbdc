from pathlib import Path

import pytest

from llm_engineering.application.crawling.config import CrawlLimits, EtlConfig
from llm_engineering.application.ports.crawling import Link
from llm_engineering.domain.errors import ConfigurationError, InvalidInput
from llm_engineering.settings import load_config

ETL_YAML = Path(__file__).parents[4] / "configs" / "etl.yaml"


def config_of(tmp_path: Path, text: str) -> EtlConfig:
    path = tmp_path / "etl.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, EtlConfig)


def test_links_are_addresses_or_objects_in_the_order_of_the_file(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        """
authors:
  - name: Ada Lovelace
    links:
      - https://ada.example/
      - {url: https://ada.example/blog, depth: 2, max_pages: 50}
  - links:
      - {url: https://docs.example, sitemap: true}
      - .
allowed_private_hosts: ["127.0.0.1:8765", WIKI.local, "[::1]:80"]
limits: {concurrency: 2}
""",
    )
    assert config.links == [
        Link(url="https://ada.example/", author="Ada Lovelace"),
        Link(url="https://ada.example/blog", author="Ada Lovelace", depth=2, max_pages=50),
        Link(url="https://docs.example", sitemap=True),
        Link(url="."),
    ]
    assert config.allowed_private_hosts == ("127.0.0.1:8765", "wiki.local", "[::1]:80")
    assert config.limits == CrawlLimits(concurrency=2)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("autors: []", "unknown key 'autors' (known: authors, allowed_private_hosts, limits)"),
        (
            "authors: [{links: [{url: 'https://a.org', dept: 1}]}]",
            "unknown key 'authors.0.links.0.dept'",
        ),
        ("authors: [{links: []}]", "authors.0.links: "),
        (
            "authors: [{links: [ftp://a.org/x]}]",
            "authors.0.links.0.url: not a link: 'ftp://a.org/x'",
        ),
        ("authors: [{links: [{url: 'https://a.org', depth: -1}]}]", "authors.0.links.0.depth: "),
        ("authors: [{links: [{url: 'https://a.org', depth: 101}]}]", "authors.0.links.0.depth: "),
        ("authors: [{links: [{url: 'https://a.org', max_pages: 0}]}]", "max_pages: "),
        ("authors: [{links: [3]}]", "authors.0.links.0: "),
        ("limits: {concurrency: 0}", "limits.concurrency: "),
        ("limits: {page_timeout_s: .nan}", "limits.page_timeout_s: "),
        (
            "allowed_private_hosts: ['http://a.org']",
            "allowed_private_hosts.0: not a host or host:port",
        ),
        (
            "allowed_private_hosts: ['10.0.0.0/8']",
            "allowed_private_hosts.0: not a host or host:port",
        ),
        ("allowed_private_hosts: ['*']", "allowed_private_hosts.0: not a host or host:port"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        config_of(tmp_path, text)
    assert f"etl.yaml: {problem}" in str(refused.value) or problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_links_of_the_command_line_replace_those_of_the_file() -> None:
    config = EtlConfig.model_validate(
        {"authors": [{"links": ["https://a.org"]}], "allowed_private_hosts": ["wiki.local"]}
    )
    given = config.with_links(["https://b.org/", "/home/ada/tides"], depth=1, max_pages=9)
    assert given.links == [
        Link(url="https://b.org/", depth=1, max_pages=9),
        Link(url="/home/ada/tides", depth=1, max_pages=9),
    ]
    assert given.allowed_private_hosts == ("wiki.local",)


@pytest.mark.parametrize(
    "url", ["gopher://b.org/", "javascript:alert(1)", "http://", "", "http://b:99999/"]
)
def test_what_is_no_link_on_the_command_line_is_named_in_one_line(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        EtlConfig().with_links(["https://b.org/", url])
    assert str(refused.value).startswith(f"not a link: {url!r}")
    assert "\n" not in str(refused.value)


def test_the_example_is_valid() -> None:
    config = load_config(ETL_YAML, EtlConfig)
    assert config.links
    assert config.allowed_private_hosts == ()
    assert config.limits == CrawlLimits()
