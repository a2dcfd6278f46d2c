"""Packages from npm that nobody here wrote, as outside witnesses; a test that needs one is skipped where it cannot be had."""

import asyncio
import shutil
from pathlib import Path

import pytest


async def install(package: str, folder: Path) -> None:
    """Install a package into a folder; skips the test, saying why, without Node, npm or the package."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip(f"no Node here: {package} cannot run")
    options = ("--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts")
    process = await asyncio.create_subprocess_exec("npm", "install", *options, package, stdout=-1, stderr=-1, cwd=folder)
    try:
        async with asyncio.timeout(90):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.skip(f"npm did not install {package} in time")
    if process.returncode:
        pytest.skip(f"npm cannot install {package}: {said.decode()[-300:]}")
