"""The page in a real browser: what is only true once it is laid out."""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from medgraft.report import build

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None or importlib.util.find_spec("selenium") is None,
    reason="needs chromium, chromedriver and selenium",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser):
    """Return a function that opens a page at a width and in a colour scheme."""

    def open_page(path: Path, width: int = 1280, scheme: str = "light"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": "screen"})
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(path.as_uri())
        return browser

    return open_page


@pytest.mark.parametrize("kind", ["curve", "multiclass", "regression"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_never_scrolls_sideways_and_shows_one_form_of_each_plot(pages, show, kind, width):
    page = show(pages(kind), width)
    root = "document.documentElement"
    assert page.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    shown = page.execute_script(
        """
        return [...document.querySelectorAll('.plot')].map(
          f => [...f.querySelectorAll('svg')].filter(s => s.checkVisibility()).length);
        """
    )
    assert set(shown) == {1}
    assert page.get_log("browser") == []
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_captions_of_tables_that_scroll_are_read_without_scrolling(pages, show):
    page = show(pages("curve"), 390)
    right = page.execute_script(
        "return [...document.querySelectorAll('.scroll caption')].map(c => c.getBoundingClientRect().right)"
    )
    assert right and max(right) <= 390


@pytest.mark.parametrize("width", [390, 1280])
def test_every_word_in_a_plot_lies_within_it_and_can_be_read(pages, show, width):
    page = show(pages("curve"), width)
    words = page.execute_script(
        """
        return [...document.querySelectorAll('.plot svg')].filter(s => s.checkVisibility()).flatMap(s => {
          const frame = s.getBoundingClientRect();
          return [...s.querySelectorAll('text')].map(t => {
            const b = t.getBoundingClientRect();
            const inside = b.left >= frame.left - 2 && b.right <= frame.right + 2
                        && b.top >= frame.top - 2 && b.bottom <= frame.bottom + 2;
            return [t.textContent, inside, b.height];
          });
        });
        """
    )
    assert len(words) > 50
    assert [w for w, inside, _ in words if not inside] == []
    assert min(height for *_, height in words) >= 10  # CSS pixels: an 11 px line box scaled no further


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_plots_follow_the_colour_scheme(pages, show, scheme, dark):
    page = show(pages("curve"), scheme=scheme)
    ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    ink = page.execute_script("return getComputedStyle(document.querySelector('.plot text')).fill")

    def bright(colour):
        return sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")) > 382

    assert bright(ground) != dark
    assert bright(ink) == dark


def test_the_keyboard_reaches_the_skip_link_first_and_every_table_that_scrolls(pages, show):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    page = show(pages("curve"), 390)
    reached = []
    body = page.find_element(By.TAG_NAME, "body")
    for _ in range(40):
        (page.switch_to.active_element or body).send_keys(Keys.TAB)
        active = page.switch_to.active_element
        reached.append((active.get_attribute("class"), active.get_attribute("aria-label")))
    assert reached[0][0] == "skip"
    wide = page.execute_script(
        """
        return [...document.querySelectorAll('.scroll')]
          .filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth).map(e => e.ariaLabel);
        """
    )
    assert wide and set(wide) <= {label for _, label in reached}


def test_hostile_names_do_not_run(make, rewrite, show):
    folder, result = make()
    evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    text = json.dumps(result).replace('"pooled"', json.dumps(evil)).replace('"disease"', json.dumps(evil))
    rewrite(folder, json.loads(text) | {"verdict": evil})
    page = show(build(folder))
    assert page.execute_script("return window.pwned === undefined")
    assert page.execute_script("return document.querySelectorAll('img, script').length") == 0
    assert page.execute_script("return document.querySelector('.sentence').textContent") == evil


def test_it_prints_on_paper_in_light_colours_with_the_wide_plots(pages, show):
    page = show(pages("curve"), scheme="dark")
    printed = page.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(printed["data"])[:5] == b"%PDF-"
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    assert (
        page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert page.execute_script("return document.querySelector('.plot .wide').checkVisibility()")
    assert not page.execute_script("return document.querySelector('nav').checkVisibility()")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_with_examples_fits_its_window_and_loads_nothing(with_examples, show, width):
    page = show(build(with_examples), width)
    root = "document.documentElement"
    assert page.execute_script(f"return {root}.scrollWidth <= {root}.clientWidth")
    assert page.execute_script("return [...document.images].map(i => i.naturalWidth)") == [400, 400]
    assert page.get_log("browser") == []
    inside = page.execute_script(
        """
        return [...document.querySelectorAll('#samples .plot svg')].filter(s => s.checkVisibility()).flatMap(
          s => { const f = s.getBoundingClientRect(); return [...s.querySelectorAll('text')].map(t => {
            const b = t.getBoundingClientRect();
            return b.left >= f.left - 2 && b.right <= f.right + 2; }); });
        """
    )
    assert inside and all(inside)
