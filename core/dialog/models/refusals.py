"""What an HTTP refusal of the model server means to whoever runs Turnout, and whether asking again may help."""

import re
import time
from email.utils import parsedate_to_datetime

import openai

from core.errors import ModelError

_UNKNOWN = re.compile(r"unsupported|not support|unknown|unrecogni[sz]ed|not permitted|not allowed|unexpected|extra", re.I)
_OPTIONAL = re.compile(r"\b(stream_options|max_completion_tokens|max_tokens|temperature)\b")


def refusal(error: openai.APIStatusError, model: str) -> ModelError:
    status = error.status_code
    said = _said(error)
    match status:
        case 401:
            return ModelError("the model server does not accept the key (401): check OPENAI_API_KEY")
        case 403:
            return ModelError(f"this key may not use the model {model!r} (403): check OPENAI_API_KEY and TURNOUT_MODEL")
        case 404:
            return ModelError(f"the model server knows no {model!r} (404): check TURNOUT_MODEL, [models] and OPENAI_BASE_URL")
        case 429 if "quota" in said or error.code == "insufficient_quota":
            return ModelError("the account of OPENAI_API_KEY has no quota left (429)")
        case 429:
            return ModelError("the model server asks to slow down (429)", retry=True, after=_after(error))
        case 408 | 409:
            return ModelError(f"the model server could not answer now ({status}): {said}", retry=True)
        case _ if status >= 500:
            return ModelError(f"the model server failed ({status}): {said}", retry=True, after=_after(error))
    return ModelError(f"the model server refused the request to {model!r} ({status}): {said}")


def unknown_option(error: openai.APIStatusError) -> str:
    """The optional field of the request that this server does not know, "" where that is not what it complains of."""
    said = f"{error.param or ''} {_said(error)}"
    named = _OPTIONAL.search(said)
    return named[0] if named and error.status_code in (400, 422) and _UNKNOWN.search(said) else ""


def _said(error: openai.APIStatusError) -> str:
    told = error.body.get("message") if isinstance(error.body, dict) else None
    return " ".join(str(told or error.message).split())[:300]


def _after(error: openai.APIStatusError) -> float | None:
    """Seconds the server asks to wait: a number or a date."""
    asked = error.response.headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return None
