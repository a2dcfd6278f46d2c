"""The amounts of a text: numbers with their units, prices, dates, times and codes, however written.

Two of them agree when they can say the same: "14 days" and "two weeks", "1.299,00 €" and "EUR 1,299", "5 March 2024" and
2024-03-05.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS = (
    ("january", "januar", "enero", "janvier", "jan"),
    ("february", "februar", "febrero", "février", "feb"),
    ("march", "märz", "marzo", "mars", "mar"),
    ("april", "abril", "avril", "apr"),
    ("may", "mai", "mayo"),
    ("june", "juni", "junio", "juin", "jun"),
    ("july", "juli", "julio", "juillet", "jul"),
    ("august", "agosto", "août", "aug"),
    ("september", "septiembre", "septembre", "sept", "sep"),
    ("october", "oktober", "octubre", "octobre", "oct", "okt"),
    ("november", "noviembre", "novembre", "nov"),
    ("december", "dezember", "diciembre", "décembre", "dec", "dez"),
)
WORDS = (
    ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7), ("eight", 8), ("nine", 9), ("ten", 10),
    ("eleven", 11), ("twelve", 12), ("fourteen", 14), ("fifteen", 15), ("twenty", 20), ("thirty", 30), ("forty", 40),
    ("fifty", 50), ("sixty", 60), ("ninety", 90), ("hundred", 100), ("zwei", 2), ("drei", 3), ("vier", 4), ("fünf", 5),
    ("sechs", 6), ("sieben", 7), ("acht", 8), ("neun", 9), ("zehn", 10), ("zwölf", 12), ("vierzehn", 14), ("dreißig", 30),
    ("dos", 2), ("tres", 3), ("cuatro", 4), ("cinco", 5), ("diez", 10), ("treinta", 30), ("deux", 2), ("trois", 3),
    ("quatre", 4), ("cinq", 5), ("dix", 10), ("trente", 30),
)  # fmt: skip
UNITS = (
    ("time", 1, "s|secs?|seconds?|sekunden?|segundos?|secondes?"),
    ("time", 60, "min|mins|minutes?|minuten?|minutos?"),
    ("time", 3600, "h|hrs?|hours?|stunden?|horas?|heures?"),
    ("time", 86400, "d|days?|tage?|tagen|werktage?n?|arbeitstage?n?|días?|jours?"),
    ("time", 604800, "weeks?|wochen?|semanas?|semaines?"),
    ("months", 1, "months?|monate?|monaten|mes|meses|mois"),
    ("months", 12, "years?|jahre?|jahren|años?|ans?|années?"),
    ("percent", 1, "%|percent|per cent|prozent|por ciento|pour cent"),
    ("EUR", 1, "€|eur|euros?"),
    ("USD", 1, r"\$|usd|us dollars?|dollars?"),
    ("GBP", 1, "£|gbp|pounds?"),
    ("CHF", 1, "chf|francs?|franken"),
    ("weight", 0.001, "mg"),
    ("weight", 1, "g|grams?|gramm"),
    ("weight", 1000, "kg|kilos?|kilograms?|kilogramm"),
    ("length", 1, "mm"),
    ("length", 10, "cm"),
    ("length", 1000, "m|metres?|meters?"),
    ("length", 1_000_000, "km|kilometres?|kilometers?"),
    ("volume", 1, "ml"),
    ("volume", 1000, "l|litres?|liters?|liter"),
    ("bytes", 1, "kb|kib"),
    ("bytes", 1000, "mb|mib|megabytes?"),
    ("bytes", 1_000_000, "gb|gib|gigabytes?"),
    ("bytes", 1_000_000_000, "tb|tib|terabytes?"),
    ("degrees", 1, "°c|°f|°|degrees?|grad"),
    ("power", 1, "w|watts?"),
    ("energy", 1, "wh"),
    ("bar", 1, "bar"),
)
MONEY = ("EUR", "USD", "GBP", "CHF")

_MONTH = {name: number for number, names in enumerate(MONTHS, start=1) for name in names}
_NAMED = "|".join(sorted(_MONTH, key=len, reverse=True))
_WORD = dict(WORDS)
_UNIT = [(family, factor, re.compile(rf"(?:{words})", re.IGNORECASE)) for family, factor, words in UNITS]
_NUMBER = r"\d{1,3}(?:[.,'’\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th|\.|er)?"
_DATES = (
    (re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b"), "ymd"),
    (re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b"), "dmy"),
    (re.compile(rf"\b{_DAY}\s+(?:of\s+|de\s+)?({_NAMED})\b\.?,?(?:\s+(?:de\s+)?(\d{{4}}))?\b", re.IGNORECASE), "dmy"),
    (re.compile(rf"\b({_NAMED})\b\.?\s+{_DAY}(?!\d)(?:,?\s+(\d{{4}}))?\b", re.IGNORECASE), "mdy"),
    (re.compile(rf"\b({_NAMED})\b\.?\s+(\d{{4}})\b", re.IGNORECASE), "my"),
)
_TIME = re.compile(r"\b(\d{1,2})(?::(\d\d))?\s?([ap])\.?m\b\.?|\b(\d{1,2}):(\d\d)\b", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\w.,])\+?\d[\d ()/-]{6,}\d\b")
_CODE = re.compile(r"\b(?=[A-Za-z0-9_-]*[A-Za-z])(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b")
_UNITED = re.compile(r"(\d+)-?([A-Za-z]+)")
_MEASURED = re.compile(
    rf"(?P<before>[€$£]|\b(?:EUR|USD|GBP|CHF))?\s?(?P<number>(?<![\w.,])(?:{_NUMBER})|\b(?:{'|'.join(_WORD)})\b)"
    r"(?:[ \u00a0\u202f-]?(?P<after>[€$£%°][CF]?|[^\W\d_]+)(?:[ -](?P<then>[^\W\d_]+))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """`readings`: every value it may mean, in the base unit of its `family` ("" where it has none). `noun`: the word behind it.
    `spelt`: written as a word, so that it may be no amount at all."""

    text: str
    start: int
    family: str
    readings: frozenset[float | str]
    noun: str = ""
    spelt: bool = False

    @property
    def kind(self) -> str:
        return "money" if self.family in MONEY else self.family

    def agrees(self, other: "Amount") -> bool:
        """Whether they can be the same; a bare number may have any unit."""
        if self.family == other.family == "date":
            return any(_same_day(str(one), str(two)) for one in self.readings for two in other.readings)
        if self.family == other.family == "phone":
            one, two = sorted((str(*self.readings), str(*other.readings)), key=len)
            return two.endswith(one.lstrip("0")) if one != two and one.startswith("0") else one == two
        if "" in (self.family, other.family):
            return not self._bare.isdisjoint(other._bare)
        return self.family == other.family and not self.readings.isdisjoint(other.readings)

    def competes(self, other: "Amount") -> bool:
        """Whether the other is of the same kind and says something else."""
        return self.kind == other.kind and not self.agrees(other) and (bool(self.kind) or self.noun == other.noun)

    @property
    def _bare(self) -> frozenset[float | str]:
        """The number as it is written."""
        found = re.search(_NUMBER, self.text)
        return frozenset(_values(found[0])) if found else self.readings


def amounts(text: str) -> list[Amount]:
    """Every amount, in order. Each stretch of the text counts once: as a date before a time before a number."""
    found: list[Amount] = []
    rest = text
    for reader in (_dates, _times, _phones, _codes, _numbers):
        for amount in list(reader(rest)):
            found.append(amount)
            rest = f"{rest[: amount.start]}{'·' * len(amount.text)}{rest[amount.start + len(amount.text) :]}"
    return sorted(found, key=lambda amount: amount.start)


def _dates(text: str) -> Iterator[Amount]:
    taken: set[int] = set()
    for pattern, order in _DATES:
        for match in pattern.finditer(text):
            if taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                parts = dict(zip(order, match.groups(), strict=True))
                month = _MONTH.get((parts["m"] or "").lower()) or int(parts["m"])
                day, year = int(parts.get("d") or 0), int(parts.get("y") or 0)
                yield Amount(match[0], match.start(), "date", frozenset({f"{year}-{month}-{day}"}))


def _same_day(one: str, other: str) -> bool:
    """Whether two dates can be the same; a year or day that one of them leaves out (0) may be any."""
    return all(a == b or "0" in (a, b) for a, b in zip(one.split("-"), other.split("-"), strict=True))


def _times(text: str) -> Iterator[Amount]:
    for match in _TIME.finditer(text):
        hour, minute = int(match[1] or match[4]), int(match[2] or match[5] or 0)
        if match[3]:
            hour = hour % 12 + (12 if match[3].lower() == "p" else 0)
        if hour < 25 and minute < 60:
            yield Amount(match[0], match.start(), "clock", frozenset({float(60 * hour + minute)}))


def _phones(text: str) -> Iterator[Amount]:
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) >= 7:
            yield Amount(match[0], match.start(), "phone", frozenset({digits}))


def _codes(text: str) -> Iterator[Amount]:
    for match in _CODE.finditer(text):
        united = _UNITED.fullmatch(match[0])
        counted = united and ("-" in match[0] or _unit(united[2]) or united[2].lower() in ("st", "nd", "rd", "th", "x"))
        if not counted:
            yield Amount(match[0], match.start(), "code", frozenset({re.sub(r"[-_]", "", match[0]).lower()}))


def _numbers(text: str) -> Iterator[Amount]:
    for match in _MEASURED.finditer(text):
        number = match["number"].lower()
        values = [float(_WORD[number])] if number in _WORD else _values(number)
        unit = _unit(match["before"] or "") or _unit(match["after"] or "") or _unit(match["then"] or "")
        family, factor = unit or ("", 1.0)
        first = "before" if match["before"] and unit == _unit(match["before"]) else "number"
        last = "number" if not unit or first == "before" else "after" if unit == _unit(match["after"]) else "then"
        shown = text[match.start(first) : match.end(last)]
        readings = frozenset(value * factor for value in values)
        noun = (match["after"] or "").lower().rstrip("s")
        yield Amount(shown, match.start(first), family, readings, noun=noun, spelt=number in _WORD)


def _unit(word: str) -> tuple[str, float] | None:
    """(family, factor) of a unit of measure."""
    return next(((family, factor) for family, factor, pattern in _UNIT if word and pattern.fullmatch(word)), None)


def _values(number: str) -> list[float]:
    """What a number may be: its points and commas part thousands, or a fraction."""
    plain = re.sub(r"['’\u00a0\u202f]", "", number)
    whole, mark, fraction = plain.rpartition("." if plain.rfind(".") > plain.rfind(",") else ",")
    if not mark:
        return [float(plain)]
    digits = re.sub(r"[.,]", "", whole)
    as_fraction = float(f"{digits}.{fraction}")
    grouped = len(fraction) == 3 and re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*", whole)
    return [as_fraction, float(digits + fraction)] if grouped else [as_fraction]
