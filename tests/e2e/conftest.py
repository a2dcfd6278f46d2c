"""Whole systems: `turnout up` as a process, once for the tests that only talk to it."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.system import System


@pytest.fixture(scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """The example shop, running without any model. Tests share it and leave it as it was."""
    async with System(tmp_path_factory.mktemp("shop")).up() as system:
        yield system
