"""Personal data that has a form: e-mail addresses, phone and card numbers, IBANs. Each becomes a mark that says what it was.

Card numbers and IBANs are checked (Luhn, modulo 97), so that an order number stays one. Names, addresses and birthdays have
no form to go by and are **not** found: a person must look through a data set before it leaves the house.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

LOCAL = 63
"""Characters an address may have before its last one and the @ (RFC 5321, 4.5.3.1.1). Without an end to them, a long word takes
time that grows with its square."""

EMAIL = re.compile(rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{0,{LOCAL}}}\w@\w(?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)+")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){11,18}(?![\w-]|[.,]\d)")
_ABROAD = re.compile(
    r"(?<![\w+])(?:\+|(?<!\d )00)[1-9](?:[ ().\-/]{0,2}\d){6,14}(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?!\w)", re.IGNORECASE
)
_AT_HOME = re.compile(r"(?<![\w.,/+-])(?<!\d )\(?0\d{1,4}\)?(?:[ .\-/]{0,2}\d){5,10}(?![\w/-]|\.\d)")
_GROUPED = re.compile(
    r"(?<![\w.,/+-])(?<!\d )(?:\(\d{2,4}\)\s?|\d{2,4}[ .-])\d{2,4}(?:[ .-]\d{2,4}){1,3}"
    r"(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w:-]|[. ]\d)",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?:phone|call|tel|mobile|cell|fax|ring|dial|reach|my number is|telefon|handy)\b\D{0,25}(\d[\d \-]{5,13}\d)", re.I
)
_OTHER = re.compile(
    r"(?:\d\d )+\d\d|\d{1,2}[./-]\d{1,2}[./-](?:\d{2}){1,2}|\d{4}[ ./-]\d{1,2}[ ./-]\d{1,2}|(?:\d{1,3}\.){3}\d{1,3}"
)
PHONE_DIGITS = 9
"""The fewest a number in one piece must have: below that it may be anything."""
GROUPED_DIGITS = 8
MOST_DIGITS = 15

_LENGTHS = dict(
    re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22"
        "GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31"
        "MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24"
        "XK20YE30",
    )
)


def scrub(text: str) -> tuple[str, Counter[str]]:
    """The text with `[EMAIL]`, `[IBAN]`, `[CARD]` and `[PHONE]` for what they stand for, and how many of each."""
    found: Counter[str] = Counter()
    for mark, spans in _FINDERS.items():
        out, at = [], 0
        for start, end in spans(text):
            out += [text[at:start], f"[{mark}]"]
            at = end
            found[mark] += 1
        text = "".join(out) + text[at:]
    return text, found


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in EMAIL.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """As many characters as the country's IBANs have; what follows them is other text."""
    for match in _IBAN.finditer(text):
        places = [place for place in range(*match.span()) if text[place].isalnum()]
        length = int(_LENGTHS.get(text[match.start() : match.start() + 2].upper(), "0"))
        if not length or len(places) < length:
            continue
        end = places[length - 1] + 1
        if not text[end : end + 1].isalnum() and _is_iban("".join(text[place] for place in places[:length])):
            yield match.start(), end


def _is_iban(code: str) -> bool:
    turned = code[4:] + code[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _DIGITS.finditer(text):
        if _is_luhn([int(letter) for letter in match[0] if letter.isdigit()]):
            yield match.span()


def _is_luhn(digits: list[int]) -> bool:
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _phones(text: str) -> Iterator[tuple[int, int]]:
    spans = [match.span() for match in _ABROAD.finditer(text)] + [match.span(1) for match in _CALLED.finditer(text)]
    for pattern, fewest in ((_AT_HOME, PHONE_DIGITS), (_GROUPED, GROUPED_DIGITS)):
        for match in pattern.finditer(text):
            digits = sum(letter.isdigit() for letter in match[0])
            if fewest <= digits <= MOST_DIGITS and not _OTHER.fullmatch(match[0]):
                spans.append(match.span())
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            yield start, end
            at = end


_FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "EMAIL": _emails,
    "IBAN": _ibans,
    "CARD": _cards,
    "PHONE": _phones,
}
