from __future__ import annotations

import pytest

from scaiflow.console.readmes import as_html


def test_markdown_becomes_html_below_the_pages_own_headings() -> None:
    html = as_html("# How\n\n*Nicely*, see [the docs](https://example.org/a).\n\n| a |\n| - |\n| b |\n")
    assert "<h3>How</h3>" in html
    assert '<a href="https://example.org/a" rel="noopener noreferrer nofollow">' in html
    assert "<td>b</td>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<img src=x onerror=alert(1)>",
        "<a href='x' onclick='alert(1)'>x</a>",
        "<style>body{display:none}</style>",
        "<https://e.org/\"onmouseover='alert(1)'>",
        "![pixel](https://tracker.example/p.gif)",
        "<iframe src=//evil></iframe>",
    ],
)
def test_nothing_in_a_readme_runs_or_calls_home(hostile: str) -> None:
    html = as_html(hostile)
    for word in (
        "<script",
        "<img",
        "<style",
        "<iframe",
        'href="javascript',
        'href="data',
        'onclick="',
        "<a onmouseover",
    ):
        assert word not in html
