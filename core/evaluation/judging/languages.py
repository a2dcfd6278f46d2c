"""What language a text is in, by its little words or its script: enough to see an answer in the wrong one."""

import re
from collections import Counter

LITTLE = {
    "en": "the and of to is in you for with are not that this your can it be or on at within",
    "de": "der die das und ist nicht sie ein eine mit für von zu den im auf wir ihr innerhalb werden bei",
    "es": "el la los las de que y es en un una por con para no se su del al días",
    "fr": "le la les des et est une pour dans que vous avec ne pas sur du au votre sont nous",
    "it": "il lo gli di che è un una per con non del della sono nel alla si entro giorni",
    "nl": "de het een en van is niet met voor dat u zijn op binnen wij uw bij",
    "pt": "o os as de que e é um uma para com não do da em por dentro dias seu",
    "pl": "nie się jest na w z do to że i od dla oraz ciągu dni",
}
SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
FEW = 3
_WORDS = {language: frozenset(words.split()) for language, words in LITTLE.items()}


def language_of(text: str) -> str:
    """Its code; "" where there is too little to tell."""
    letters = sum(map(str.isalpha, text))
    for language, script in SCRIPTS:
        if letters and len(script.findall(text)) > 0.3 * letters:
            return language
    counts = Counter[str]()
    for word in re.findall(r"[^\W\d_]+", text.lower()):
        counts.update(language for language, little in _WORDS.items() if word in little)
    (best, most), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return best if most >= FEW and most > second else ""
