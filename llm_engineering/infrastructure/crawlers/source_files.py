"""Which files of a repository are worth reading, and what language they are in."""

import re
from pathlib import PurePosixPath

LANGUAGES = {
    ".adoc": "asciidoc", ".bash": "shell", ".bat": "batch", ".c": "c", ".cc": "c++", ".cfg": "ini",
    ".clj": "clojure", ".cpp": "c++", ".cs": "c#", ".css": "css", ".cu": "cuda", ".dart": "dart",
    ".erl": "erlang", ".ex": "elixir", ".exs": "elixir", ".f90": "fortran", ".go": "go",
    ".graphql": "graphql", ".groovy": "groovy", ".h": "c", ".hpp": "c++", ".hs": "haskell",
    ".htm": "html", ".html": "html", ".ini": "ini", ".ipynb": "jupyter", ".java": "java",
    ".jl": "julia", ".js": "javascript", ".json": "json", ".jsx": "javascript", ".kt": "kotlin",
    ".lua": "lua", ".m": "objective-c", ".markdown": "markdown", ".md": "markdown",
    ".mdx": "markdown", ".mjs": "javascript", ".ml": "ocaml", ".nix": "nix", ".php": "php",
    ".pl": "perl", ".proto": "protobuf", ".ps1": "powershell", ".py": "python", ".pyi": "python",
    ".pyx": "cython", ".r": "r", ".rb": "ruby", ".rs": "rust", ".rst": "restructuredtext",
    ".scala": "scala", ".scss": "css", ".sh": "shell", ".sql": "sql", ".svelte": "svelte",
    ".swift": "swift", ".tex": "latex", ".tf": "terraform", ".toml": "toml", ".ts": "typescript",
    ".tsx": "typescript", ".txt": "text", ".vue": "vue", ".xml": "xml", ".yaml": "yaml",
    ".yml": "yaml", ".zig": "zig",
}  # fmt: skip
_NAMES = {
    "authors": "text", "changelog": "text", "contributing": "text", "dockerfile": "dockerfile",
    "gemfile": "ruby", "justfile": "make", "license": "text", "makefile": "make",
    "notice": "text", "rakefile": "ruby", "readme": "text",
}  # fmt: skip
_LOCK_FILE = re.compile(
    r"(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]*\.lock)$", re.I
)
_GENERATED = re.compile(r"\.min\.(js|css)$|\.bundle\.js$|_pb2(_grpc)?\.pyi?$", re.I)
_VENDORED = frozenset(
    {"node_modules", "vendor", "third_party", "bower_components", ".venv", "dist"}
)
_LONGEST_LINE = 5_000  # characters; people do not write longer ones
_SNIFFED_BYTES = 8_000  # git's own rule: a NUL among the first 8,000 bytes means binary


def language_of(path: str) -> str | None:
    """Returns the language of a file by its name, None when it is not one that people read."""
    name = PurePosixPath(path)
    return LANGUAGES.get(name.suffix.lower()) or _NAMES.get(name.name.lower())


def why_unread(path: str) -> str | None:
    """Returns why a path is left out (`vendored`, `lock file`, ...), None when it is read."""
    if not _VENDORED.isdisjoint(PurePosixPath(path).parts[:-1]):
        return "vendored"
    if _LOCK_FILE.search(path):
        return "lock file"
    if _GENERATED.search(path):
        return "generated"
    return None if language_of(path) else "not a text format"


def text_of(data: bytes) -> str | None:
    """Returns the text of a file, None when it is binary, empty or minified."""
    if b"\0" in data[:_SNIFFED_BYTES]:
        return None
    text = data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\0", "")
    if not text.strip() or any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        return None
    return text


def reading_order(path: str) -> tuple[bool, int, str]:
    """Sorts the README of the root first, then by depth and name."""
    readme = PurePosixPath(path).stem.lower() == "readme"
    return (not (readme and "/" not in path), path.count("/"), path)
