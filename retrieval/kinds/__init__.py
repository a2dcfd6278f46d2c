"""Kinds: what each kind of `[[knowledge.sources]]` offers. `contract` has the words.

Files and exports of this machine (`folder`, `mailbox`, `tickets`) are watched; what is elsewhere (`page`, `sitemap`, `git`,
`loader`) is looked at every so many hours. Folders and the files in them are found by `retrieval.sources`.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from core.assistant import Source
from retrieval.kinds import git, loader, pages
from retrieval.kinds.contract import Listing, Place
from retrieval.kinds.mailbox import mailbox
from retrieval.kinds.tickets import tickets

ELSEWHERE: dict[str, Callable[[Source, Place], Awaitable[Listing]]] = {
    "page": pages.page,
    "sitemap": pages.sitemap,
    "git": git.offers,
    "loader": loader.offers,
}
"""What each offers now; they raise an Unreadable when the source fails."""

EXPORTS: dict[str, Callable[[Source, Path], Listing]] = {"mailbox": mailbox, "tickets": tickets}
"""The same of a file or folder; they block, and raise OSError too."""

__all__ = ["ELSEWHERE", "EXPORTS", "Listing", "Place"]
