"""The settings: environment variables, each read once, here. `load()` raises one ConfigError that lists everything wrong."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigError

DEFAULT_ASSISTANT = "examples/shop/assistant.toml"
PLAIN = {"bool_parsing": "must be true or false"}


class Settings(BaseSettings):
    """Unset means the default; a variable set to the empty string counts as unset."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    assistant: Path = Field(Path(DEFAULT_ASSISTANT), validation_alias="TURNOUT_ASSISTANT")
    data: Path = Field(Path(".turnout"), validation_alias="TURNOUT_DATA")
    nats_url: str = Field("", validation_alias="NATS_URL")
    redis_url: str = Field("", validation_alias="REDIS_URL")
    secret: str = Field("", validation_alias="TURNOUT_SECRET", repr=False)
    http: str = Field("127.0.0.1:8080", validation_alias="TURNOUT_HTTP")
    services: str = Field("core,retrieval,web", validation_alias="TURNOUT_SERVICES")
    log_format: str = Field("", validation_alias="TURNOUT_LOG", description="json or text; unset: text on a terminal")
    redis_may_forget: bool = Field(False, validation_alias="TURNOUT_REDIS_MAY_FORGET")

    openai_api_key: str = Field("", validation_alias="OPENAI_API_KEY", repr=False)
    openai_base_url: str = Field("", validation_alias="OPENAI_BASE_URL")
    model: str = Field("", validation_alias="TURNOUT_MODEL")
    tuned_model: str = Field("", validation_alias="TURNOUT_TUNED_MODEL")

    qdrant_url: str = Field("", validation_alias="QDRANT_URL")
    qdrant_key: str = Field("", validation_alias="QDRANT_API_KEY", repr=False)

    reranker_key: str = Field("", validation_alias="RERANKER_API_KEY", repr=False)

    telegram_token: str = Field("", validation_alias="TELEGRAM_BOT_TOKEN", repr=False)
    telegram_api: str = Field("", validation_alias="TELEGRAM_API_BASE")
    telegram_webhook_url: str = Field("", validation_alias="TELEGRAM_WEBHOOK_URL")
    telegram_webhook_secret: str = Field("", validation_alias="TELEGRAM_WEBHOOK_SECRET", repr=False)

    slack_token: str = Field("", validation_alias="SLACK_BOT_TOKEN", repr=False)
    slack_signing_secret: str = Field("", validation_alias="SLACK_SIGNING_SECRET", repr=False)
    slack_app_token: str = Field("", validation_alias="SLACK_APP_TOKEN", repr=False)
    slack_api: str = Field("", validation_alias="SLACK_API_BASE")

    @field_validator("http")
    @classmethod
    def _http_is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("must be HOST:PORT, for example 127.0.0.1:8080")
        return value

    @field_validator("openai_base_url", "qdrant_url", "telegram_api", "telegram_webhook_url", "slack_api")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        scheme, _, host = value.partition("://")
        if value and (scheme not in ("http", "https") or not host.strip("/") or any(map(str.isspace, value))):
            raise ValueError("must be an address that begins with http:// or https://")
        return value

    @field_validator("log_format")
    @classmethod
    def _log_format_is_known(cls, value: str) -> str:
        if value not in ("", "json", "text"):
            raise ValueError("must be json or text")
        return value

    @property
    def http_address(self) -> tuple[str, int]:
        host, _, port = self.http.rpartition(":")
        return host.strip("[]"), int(port)

    def secret_key(self) -> bytes:
        """The installation's secret: TURNOUT_SECRET, or one made once and kept in the data folder."""
        if self.secret:
            return self.secret.encode()
        path = self.data / "secret"
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _make_secret(path)
            found = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"TURNOUT_DATA {self.data} is not writable ({error.strerror}): choose another folder") from None
        if not found:
            raise ConfigError(f"{path} is empty: restore it from a backup, or remove it to begin with a new secret")
        return found


def _make_secret(path: Path) -> None:
    """Whole, and the first one's where several processes start at once; no process id makes the name, for containers that share
    the folder share those as well."""
    handle, half = tempfile.mkstemp(prefix="secret.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with suppress(FileExistsError):
            os.link(half, path)
    finally:
        os.unlink(half)


def load(**overrides: object) -> Settings:
    """The settings from the environment; raises one ConfigError that lists every variable that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"{item['loc'][0]}: {PLAIN.get(item['type'], item['msg'].removeprefix('Value error, '))}" for item in error.errors()
        ]
        raise ConfigError("the settings are not usable:\n  " + "\n  ".join(lines)) from None


def shown(address: str) -> str:
    """A server's address without its scheme, user and password: for messages and logs."""
    return address.strip().rpartition("@")[2].rpartition("//")[2].rstrip("/")


def environment(settings: Settings) -> Mapping[str, str]:
    """The settings as environment variables, for child processes."""
    values = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value != field.default and isinstance(field.validation_alias, str):
            values[field.validation_alias] = str(value)
    return values
