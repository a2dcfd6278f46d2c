"""The town with servers of its own, shared by what is done to them."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.servers.town import Elsewhere, elsewhere_in


@pytest.fixture(scope="package")
async def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Elsewhere]:
    async with elsewhere_in(tmp_path_factory.mktemp("elsewhere")) as town:
        yield town
