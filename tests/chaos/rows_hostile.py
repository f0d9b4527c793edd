"""Row 16: settings and mappings written by an enemy, and remotes that send us elsewhere."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from bridge.core.mapping import load
from tests.chaos.play import NotKept, Play, Row
from tests.chaos.proxy import answer
from tests.chaos.site import ENTRY, Site, site

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n"
STREAM = "stream: companies\ncrm: companies\nassembly: accounts\njoin: id\nfields:\n  name: {crm: name, assembly: name, required: true}\n"
HOSTILE_EXPRESSIONS = (
    "__import__('os').system('id')",
    "record.__class__.__mro__",
    "open('/etc/passwd').read()",
    "[1,2,3].map(a, [1,2,3].map(b, [1,2,3].map(c, [1,2,3].map(d, a))))",
    "'a' * 1000000000",
    "record.name.matches('(a+)+$') ? " + "record.name + " * 3000 + "'x'",
    "eval('1')",
    "${7*7}{{7*7}}",
)
METADATA = (
    "http://169.254.169.254/latest",
    "http://metadata.google.internal/",
    "http://[fd00:ec2::254]/",
    "http://0xA9FEA9FE/",
    "file:///etc/passwd",
    "http://user:pass@127.0.0.1/",
    "gopher://127.0.0.1/",
    "http://crm.example@169.254.169.254/",
)


def hostile_configuration(play: Play) -> None:
    """Settings and mappings that an enemy wrote; a remote that sends us elsewhere."""
    with site(breaks=play.breaks, workers=0, redis=False, proxied=("crm", "assembly"), allowed_hosts="127.0.0.1") as at:
        names = ("BRIDGE_CRM_BASE_URL", "BRIDGE_ASSEMBLY_BASE_URL")
        urls = [(name, url) for url in METADATA for name in names]
        # Every URL once; for both systems in the full form.
        urls = play.pick(urls[:2], [each for n, each in enumerate(urls) if n % 4 in (0, 3)], urls)
        files = list(_hostile_files().items())[: play.pick(2, 100, 100)]
        with ThreadPoolExecutor(2) as pool:
            refused = list(pool.map(lambda each: _refused(at, *each), urls))
            slowest = max(pool.map(lambda each: _harmless_file(at, *each), files))
        play.figures |= {
            "base URLs refused": len(refused),
            "mapping files refused or without effect": len(files),
            "slowest check s": round(slowest, 1),
        }
        _redirects(play, at)


def _hostile_files() -> dict[str, str]:
    files = {
        "bomb": BOMB,
        "deep": "a: " + "[" * 5000,
        "large": "x: '" + "y" * 30_000_000 + "'",
        "object": "stream: !!python/object/apply:os.system [id]\n",
    }
    return files | {
        f"expression {n}": STREAM + f"  bad: {{from_crm: {json.dumps(text)}, assembly: additional_properties.X}}\n"
        for n, text in enumerate(HOSTILE_EXPRESSIONS)
    }


def _refused(at: Site, name: str, url: str) -> None:
    """A setting that must be refused before anything is asked of anybody."""
    done = _bridge(at, "check", **{name: url})
    if done.returncode != 2 or "Traceback" in done.stderr + done.stdout:
        raise NotKept(f"{name}={url}: exit status {done.returncode}, {done.stderr[-200:]}")


def _harmless_file(at: Site, name: str, text: str) -> float:
    folder = at.folder / f"hostile {name}"
    folder.mkdir()
    (folder / "companies.yaml").write_text(text)
    began = time.monotonic()
    done = _bridge(at, "mappings", "check", str(folder))
    if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr + done.stdout:
        raise NotKept(f"{name}: exit status {done.returncode}, {done.stderr[-200:]}")
    if done.returncode == 0 and (told := _computed(text)) is not None:
        raise NotKept(f"{name} was accepted, and computes {str(told)[:100]}")
    return time.monotonic() - began


def _computed(text: str) -> object:
    """What a mapping's hostile expression says of a record, ``None`` for nothing: a name that is a field like any other, or a
    computation that fails, does no harm."""
    stream = next(iter(load({"companies.yaml": text}).streams))
    rule = next(field for field in stream.fields if field.name == "bad")
    told = rule.observe("crm", {"name": "a" * 30 + "!"})
    return None if isinstance(told, dict) and "$failed" in told else told


def _bridge(at: Site, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    code = (
        ENTRY.replace("main()", "None")
        + "; from tests.chaos.breaks import take_out; marks = sys.argv.pop(1); marks and take_out(marks); from bridge.cli import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, at.breaks, *arguments],
        cwd=at.folder,
        env={**os.environ, **at.env, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _redirects(play: Play, at: Site) -> None:
    """Both systems answer with a redirect to a listener that nobody may visit."""
    visits: Counter[str] = Counter()
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen(16)
        trap.settimeout(0.2)
        ending = threading.Event()

        def watch() -> None:
            while not ending.is_set():
                try:
                    caller, _ = trap.accept()
                except TimeoutError:
                    continue
                visits["key shown"] += b"authorization" in caller.recv(4096).lower()
                visits["visits"] += 1
                caller.close()

        thread = threading.Thread(target=watch)
        thread.start()
        target = f"http://127.0.0.1:{trap.getsockname()[1]}/latest/meta-data"
        for proxy in at.proxies.values():
            for status in (301, 302, 307, 308, 303) * 3:
                proxy.weather.canned.append(answer(status, b"", Location=target))
        done = _bridge(at, "check")
        ending.set()
        thread.join()
        sent = sum(proxy.counts["canned"] for proxy in at.proxies.values())
    play.figures["redirects"] = f"{sent} answered, {visits['visits']} followed"
    play.check(sent > 0, "no redirect was answered")
    play.check(not visits, f"redirects were followed: {dict(visits)}")
    play.check("Traceback" not in done.stderr, "a redirect ended in a traceback")


ROWS = (Row(16, "hostile configuration is harmless", hostile_configuration, "follow_redirects"),)
