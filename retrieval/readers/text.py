"""Plain text, and how bytes become text for every text format."""

import codecs
import re
import unicodedata

from retrieval.readers.contract import Binary, Extract, TooLarge, WrongEncoding
from retrieval.readers.hidden import Hidden

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
LINE = 4_000_000
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


def decode(data: bytes, declared: str = "utf-8") -> str:
    """What a mark at the start says, else UTF-8, else the encoding that is declared; line ends as \\n.
    Raises Binary or WrongEncoding, naming the place."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), declared)
    try:
        if codecs.lookup(encoding).name not in _WIDE and b"\0" in data:
            raise Binary(f"a zero byte at {data.index(0)}: this is no text")
        text = data.decode(encoding)
    except LookupError:
        raise WrongEncoding(f"nobody knows the encoding it declares ({encoding}): save it as UTF-8") from None
    except UnicodeDecodeError as error:
        shown = "UTF-8" if encoding.startswith("utf-8") else f"in the {encoding} it declares"
        raise WrongEncoding(f"not {shown} at byte {error.start}: save it as UTF-8") from None
    return clean(text)


def written(data: bytes) -> str:
    """Text that people wrote in lines. A line of megabytes is none, and costs parsers their time: raises TooLarge."""
    text, start = decode(data), 0
    while len(text) - start > LINE:
        end = text.rfind("\n", start, start + LINE + 1)
        if end < 0:
            raise TooLarge(f"a line of more than {LINE:,} characters after character {start:,}: break it")
        start = end + 1
    return text


def clean(text: str) -> str:
    """Composed characters, one kind of line end, no control characters, no half surrogates."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return _CONTROL.sub("", text)


def read(data: bytes) -> Extract:
    hidden = Hidden()
    return Extract(hidden.strip(written(data)).strip(), flags=hidden.flags())
