"""The chat's page in a real browser: Debian's chromium, headless, driven by Playwright."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHROMIUM = "/usr/bin/chromium"
if not os.path.exists(CHROMIUM):
    pytest.skip(f"no {CHROMIUM} here (apt-get install chromium)", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright here (pip install playwright)")

pytestmark = [
    pytest.mark.kernel,
    # Playwright's own loop is left open when the interpreter collects it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]
CHAT = "netarium.apps.chat"
PHONE = {"width": 375, "height": 667}


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("dialog", lambda dialog: page.problems.append(dialog.message))
    page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
    yield page
    context.close()


def enter(page, port: int, name: str, token: str = "") -> None:
    page.goto(f"http://127.0.0.1:{port}/")
    page.fill("#name", name)
    page.fill("#token", token)
    page.tap("text=Join")
    page.wait_for_selector("#text:visible")


def say(page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def line_of(process: subprocess.Popen[str], words: str) -> str:
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"no {words!r}")


def test_a_browser_and_a_terminal_talk_and_script_stays_text(
    page, start: Callable, port_of: Callable, tmp_path: Path
) -> None:
    port = port_of(start(CHAT, "serve", "--port", "0", "--db", tmp_path / "chat.db"))
    bob = start(CHAT, "join", f"127.0.0.1:{port}", "--name", "bob")
    line_of(bob, "you are in #lobby")
    enter(page, port, "Änne")
    line_of(bob, "Änne joined")
    say(page, "hello from the phone")
    assert "<Änne> hello from the phone" in line_of(bob, "from the phone")
    evil = "<script>document.title='gone'</script><img src=x onerror=alert(1)>"
    bob.stdin.write(f"{evil}\n/tell Änne psst\n")
    bob.stdin.flush()
    page.wait_for_selector("text=psst")
    assert evil in page.inner_text("#log") and page.title() == "Chat"
    assert page.query_selector("#log script, #log img") is None
    say(page, "/tell bob back to you")
    line_of(bob, "[Änne to bob] back to you")
    page.tap("#who")
    page.wait_for_selector("text=in #lobby: bob, Änne")
    say(page, "")
    page.wait_for_selector("text=nothing typed")
    fits = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.locator("#say button").bounding_box()
    assert fits and box["height"] >= 44 and box["y"] + box["height"] <= PHONE["height"]
    page.screenshot(path=str(tmp_path / "phone.png"))
    page.reload()
    line_of(bob, "Änne left")
    enter(page, port, "Änne")  # the name is free at once, and what was said is there
    page.wait_for_selector("#log .message >> text=hello from the phone")
    assert page.problems == []


def test_a_browser_comes_back_after_the_server_was_killed_and_loses_nothing(
    page, start: Callable, port_of: Callable, tmp_path: Path
) -> None:
    database = tmp_path / "chat.db"
    server = start(CHAT, "serve", "--port", "0", "--db", database)
    port = port_of(server)
    enter(page, port, "ann")
    say(page, "before")
    page.wait_for_selector("#log .message >> text=before")
    server.kill()
    server.wait()
    page.wait_for_selector("text=connection lost")
    say(page, "in between")
    server = start(CHAT, "serve", "--port", port, "--db", database)
    page.wait_for_selector("#log .message >> text=in between")
    say(page, "after")
    page.wait_for_selector("#log .message >> text=after")
    texts = [line.split("ann")[-1].strip() for line in page.locator("#log .message").all_inner_texts()]
    assert texts == ["before", "in between", "after"]


def test_a_wrong_token_is_told_and_the_door_stays(
    page, start: Callable, port_of: Callable, tmp_path: Path
) -> None:
    port = port_of(start(CHAT, "serve", "--port", "0", "--db", tmp_path / "chat.db", "--token", "opensesame"))
    page.goto(f"http://127.0.0.1:{port}/")
    page.fill("#name", "ann")
    page.fill("#token", "guess")
    page.tap("text=Join")
    page.wait_for_selector("text=the token is wrong")
    assert page.is_visible("#door")
    page.fill("#token", "opensesame")
    page.tap("text=Join")
    page.wait_for_selector("#text:visible")
    say(page, "in")
    page.wait_for_selector("#log .message >> text=in")
