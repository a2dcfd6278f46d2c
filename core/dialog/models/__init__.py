"""Models: messages in, pieces of text out.

`contract` says what a model is. There are two: `openai_model` asks any OpenAI-compatible server, and `extractive`, the default,
needs no server: it quotes the passages it is given, so only tracks that search can use it.

    model = make(assistant.models, settings, tokens)
    async for piece in model.stream(messages, spent=spent): ...
    await model.aclose()

`sse` and `chunks` read a stream, `transport` carries it, `refusals` puts a server's refusals into words. The `openai` package
is imported only when a model of a server is made.
"""

from core.assistant import Models
from core.dialog.models.contract import Model
from core.dialog.models.extractive import NAME as EXTRACTIVE
from core.dialog.models.extractive import ExtractiveModel
from core.errors import ConfigError
from core.settings import Settings
from core.tokens import Tokens

DEFAULT = "gpt-4.1-mini"
"""The model asked for where a server is configured but no name: it writes at once, where others would think first."""


def default_name(models: Models, settings: Settings) -> str:
    """TURNOUT_MODEL, else the assistant file's `models.prompt`, else DEFAULT; `extractive` where no server is configured."""
    if _served(settings):
        return settings.model or models.prompt or DEFAULT
    if settings.model and settings.model != EXTRACTIVE:
        raise ConfigError(f"TURNOUT_MODEL is {settings.model!r}, but no server is: set OPENAI_API_KEY or OPENAI_BASE_URL")
    return EXTRACTIVE


def tuned_name(models: Models, settings: Settings) -> str:
    """TURNOUT_TUNED_MODEL, else the assistant file's `models.tuned`; "" where there is none to ask."""
    return (settings.tuned_model or models.tuned) if _served(settings) else ""


def strong_name(models: Models, settings: Settings) -> str:
    """The assistant file's `models.strong`; "" where there is none to ask."""
    return models.strong if _served(settings) else ""


def make(models: Models, settings: Settings, tokens: Tokens) -> Model:
    """The general model. Raises ConfigError for a name that needs a server where none is set."""
    return named(default_name(models, settings), models, settings, tokens)


def make_tuned(models: Models, settings: Settings, tokens: Tokens) -> Model | None:
    """The tuned model, None where none is named or no server is there to ask."""
    name = tuned_name(models, settings)
    return named(name, models, settings, tokens) if name else None


def make_strong(models: Models, settings: Settings, tokens: Tokens) -> Model | None:
    """The stronger model, None where none is named or no server is there to ask."""
    name = strong_name(models, settings)
    return named(name, models, settings, tokens) if name else None


def named(name: str, models: Models, settings: Settings, tokens: Tokens) -> Model:
    """The model of a name, `extractive` or one of the server."""
    if name == EXTRACTIVE:
        return ExtractiveModel()
    from core.dialog.models.openai_model import OpenAIModel

    return OpenAIModel(name, api_key=settings.openai_api_key, base_url=settings.openai_base_url, limits=models, tokens=tokens)


def _served(settings: Settings) -> bool:
    return bool(settings.openai_api_key or settings.openai_base_url)
