"""Telegram's objects and fixed error answers, as the fake makes them."""

import json
from typing import Any

from tests.fakes.telegram_text import Bad

FORM = dict[str, str]
ANSWERS: dict[str, tuple[int, str]] = {
    "forbidden": (403, "Forbidden: bot was blocked by the user"),
    "unparsable": (400, "Bad Request: can't parse entities: the fault says so"),
    "error": (500, "Internal Server Error"),
}


def keys_of(form: FORM) -> list[list[dict[str, str]]]:
    keys: list[list[dict[str, str]]] = json.loads(form.get("reply_markup", "{}")).get("inline_keyboard", [])
    if any(len(key["callback_data"].encode()) > 64 for row in keys for key in row):
        raise Bad("BUTTON_DATA_INVALID")
    return [[{"text": key["text"], "callback_data": key["callback_data"]} for key in row] for row in keys]


def chat_of(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "private", "first_name": "Ann"} if chat > 0 else {"id": chat, "type": "group", "title": "G"}


def user_of(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": "Ann"}
