"""Fetching leads nowhere it must not, takes no more than it should, and says why a page does not come."""

import asyncio
import gzip
import zlib

import pytest
from yarl import URL

from retrieval.addresses import Door, Refused
from retrieval.fetching import Gone, Unreachable, Web, dial, unpacked
from retrieval.readers.contract import Corrupt, TooLarge, TooSlow, Unreadable
from tests.retrieval import url_tricks
from tests.retrieval.site import site

OPEN = {(address, port) for address in url_tricks.PUBLIC for port in (80, 443)}


class Dialled(list):
    """Every (address, port) that a connection was begun to. Only those in `real` are connected to."""

    def __init__(self, *real):
        super().__init__()
        self.real = real

    def __call__(self, place):
        self.append(place[4][:2])
        if place[4][:2] not in self.real:
            raise ConnectionRefusedError("this address is not real here")
        return dial(place)


async def test_no_trick_with_an_address_leads_to_a_private_one():
    dialled = Dialled()
    web = Web(Door(resolve=url_tricks.resolve), dial=dialled)
    assert len(url_tricks.URLS) >= 300
    for url in url_tricks.URLS:
        with pytest.raises(Unreadable):
            await web.get(url)
    assert set(dialled) <= OPEN
    dialled.clear()
    with pytest.raises(Unreachable):
        await web.get("https://public.example/")
    assert set(dialled) == {(address, 443) for address in url_tricks.PUBLIC}


async def test_no_redirect_leads_to_a_private_address_either():
    async with site() as here:
        dialled = Dialled(place(here))
        web = Web(Door([here.host], resolve=url_tricks.resolve), dial=dialled)
        tricks = [url for url in url_tricks.URLS if "\r" not in url]  # no header can hold one that has it
        for url in tricks:
            here.pages["/away"] = (302, {"Location": url.encode().decode("latin-1")}, "")
            with pytest.raises(Unreadable):
                await web.get(f"{here.url}/away")
        assert here.asked["/away"] >= len(tricks) >= 300
        assert set(dialled) - {place(here)} <= OPEN


def place(here):
    host, port = here.host.split(":")
    return host, int(port)


class Told(Door):
    """Every host is this machine; whether a host was trusted is written down."""

    trusted: dict[str, bool]

    async def addresses(self, url, *, trusted=True):
        self.trusted = {**getattr(self, "trusted", {}), url.host: trusted}
        return ["127.0.0.1"]


async def test_a_page_of_the_open_web_cannot_send_us_behind_the_wall_even_to_a_host_that_is_allowed():
    async with site(**{"/inside": "the secret cellar"}) as here:
        port = place(here)[1]
        door = Told([f"one.intranet.example:{port}", f"two.intranet.example:{port}"])
        for first, trusted in (("one.intranet.example", True), ("open.example", False)):
            here.pages["/away"] = (302, {"Location": f"http://two.intranet.example:{port}/inside"}, "")
            assert (await Web(door).get(f"http://{first}:{port}/away")).data
            assert door.trusted["two.intranet.example"] is trusted
    with pytest.raises(Refused):
        await Door(["a.example"], resolve=answers({"a.example": ["10.0.0.1"]})).addresses(
            URL("http://a.example/"), trusted=False
        )


async def test_a_name_is_asked_for_once_and_what_it_says_later_leads_nowhere():
    told = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])

    async def rebinding(host, port):
        return next(told)

    dialled = Dialled()
    with pytest.raises(Unreachable):
        await Web(Door(resolve=rebinding), dial=dialled).get("http://rebinding.example/")
    assert (list(dialled), next(told)) == ([("93.184.216.34", 80)], ["127.0.0.1"])


def answers(names):
    async def resolve(host, port):
        return names[host]

    return resolve


@pytest.mark.parametrize(
    ("allow", "at", "comes"),
    [
        (["docs.example:8443"], "https://docs.example:8443/", True),
        (["docs.example:8443"], "https://docs.example/", False),
        (["docs.example:8443"], "https://docs.example:8444/", False),
        (["docs.example"], "http://docs.example/", True),
        (["docs.example"], "http://docs.example:8080/", False),
        (["docs.example"], "http://evil-docs.example/", False),
        (["DOCS.example"], "http://docs.EXAMPLE/", True),
        (["[::1]:8080"], "http://[::1]:8080/", True),
        ([], "http://docs.example/", False),
    ],
)
async def test_only_what_the_owner_names_may_be_private(allow, at, comes):
    async def private(host, port):
        return ["::1" if ":" in host else "10.0.0.1"]

    door = Door(allow, resolve=private)
    if comes:
        assert await door.addresses(URL(at))
    else:
        with pytest.raises(Refused):
            await door.addresses(URL(at))


async def fetched(here, path="/page", **limits):
    return await Web(Door([here.host]), **limits).get(here.url + path)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_a_packed_page_is_unpacked_and_one_that_explodes_is_refused(packing):
    pack = gzip.compress if packing == "gzip" else zlib.compress
    async with site() as here:
        here.pages["/page"] = (200, {"Content-Encoding": packing}, pack(b"moon" * 1000))
        assert (await fetched(here)).data == b"moon" * 1000
        here.pages["/page"] = (200, {"Content-Encoding": packing}, pack(bytes(50 << 20)))
        with pytest.raises(TooLarge):
            await fetched(here, most=1 << 20)
        here.pages["/page"] = (200, {"Content-Encoding": packing}, b"not packed at all")
        with pytest.raises(Corrupt):
            await fetched(here)
        here.pages["/page"] = (200, {"Content-Encoding": "br"}, b"whatever")
        with pytest.raises(Unreachable):
            await fetched(here)


async def test_too_much_too_late_and_round_and_round_are_refused():
    async with site(**{"/page": "x" * 5000, "/loop": (302, {"Location": "/loop"}, "")}) as here:
        with pytest.raises(TooLarge):
            await fetched(here, most=4999)
        with pytest.raises(Refused, match="redirected more than"):
            await fetched(here, "/loop")
        assert here.asked["/loop"] == 6
        with pytest.raises(Gone, match="404"):
            await fetched(here, "/nowhere")


async def test_a_server_that_never_ends_is_left():
    async def drip(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(TooSlow):
        await Web(Door([host]), seconds=0.5).get(f"http://{host}/")
    server.close()


def test_packed_data_of_several_members_is_whole_and_half_of_it_is_refused():
    packed = gzip.compress(b"moon ") + gzip.compress(b"garden")
    assert unpacked(packed, 11) == b"moon garden"
    with pytest.raises(TooLarge):
        unpacked(packed, 10)
    with pytest.raises(Corrupt):
        unpacked(packed[:-3], 100)
