"""The `openai` SDK's HTTP over aiohttp: its parser is compiled, so a streamed token costs a third of the CPU.

Time limits are the caller's (`asyncio.timeout`), but for the one on connecting.
"""

from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import httpx2
from yarl import URL

CONNECT_SECONDS = 5.0


class Transport(httpx2.AsyncBaseTransport):
    """Raises httpx2.ConnectError where nothing was reached, httpx2.ReadError where an answer broke off."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
        try:
            response = await self._open().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[pair for pair in headers if pair[0].lower() not in ("transfer-encoding", "content-length")],
                data=BytesIO(await request.aread()),  # plain bytes are sent in one piece, however long
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise httpx2.ConnectError(str(error) or type(error).__name__, request=request) from error
        return httpx2.Response(response.status, headers=list(response.raw_headers), stream=_Body(response))

    async def aclose(self) -> None:
        if self._session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=True,
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for received in self._response.content.iter_any():
                yield received
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ReadError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """Gives the connection back where the body was read to its end; closes it, and so stops the server, otherwise."""
        self._response.close()
