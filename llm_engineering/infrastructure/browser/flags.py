"""How Chromium is started: quiet, without a window, and with one way out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

# chromedriver adds its own; `--remote-debugging-pipe` in place of an open port is ours
_QUIET = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--allow-browser-signin=false",
    "--mute-audio",
    "--password-store=basic",
    "--window-size=1280,1600",
    "--disable-features=DialMediaRouteProvider,MediaRouter,OptimizationHints,Translate",
)
# UDP does not go through a proxy, so it must not go at all; names are resolved by the proxy alone.
_ONE_WAY_OUT = (
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
)
_INHERITED = (
    *("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
)


def chromium_arguments(*, proxy_port: int, profile: Path, as_root: bool) -> Sequence[str]:
    """Returns Chromium's command line. Its sandbox is on, except for root, who cannot have it."""
    sandbox = ("--no-sandbox",) if as_root else ()
    return (
        *_QUIET,
        *_ONE_WAY_OUT,
        *sandbox,
        f"--proxy-server=http://127.0.0.1:{proxy_port}",
        f"--user-data-dir={profile}",
    )


def browser_environment(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """Returns what the browser sees of the environment: no secrets, and a home of its own."""
    kept = {name: environment[name] for name in _INHERITED if name in environment}
    return {**kept, "HOME": str(home)}
