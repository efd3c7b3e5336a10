"""What the site of the documentation does that MkDocs does not: links into the tree, and pages for machines.

A page links to a file of the repository by its path, as it is read there; the site has no such file, so
the link goes to the repository's own page of it. Beside each page its Markdown is served too, and
`llms.txt` names them all (https://llmstxt.org): that is what a model reads.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """The page's text, with links that leave `docs/` led to the repository."""
    root = Path(config.docs_dir).parent
    here = PurePosixPath("docs", page.file.src_uri).parent

    def led(link: re.Match[str]) -> str:
        target = (root / here / link[1]).resolve()
        if target.is_relative_to(config.docs_dir) and target.suffix == ".md":
            return link[0]
        kind = "tree" if target.is_dir() else "blob"
        return f"]({config.repo_url}/{kind}/main/{target.relative_to(root).as_posix()}{link[2] or ''})"

    return _LINK.sub(led, markdown)


def on_post_build(config: MkDocsConfig, **_: Any) -> None:
    """Each page's Markdown beside it."""
    for page in Path(config.docs_dir).rglob("*.md"):
        beside = Path(config.site_dir) / page.relative_to(config.docs_dir)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, beside)
