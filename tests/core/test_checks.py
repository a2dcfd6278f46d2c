"""`turnout check`: what it finds, with the fix, before anything is started."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner

from core.cli import cli
from core.records import Health
from core.vitals import vitals
from tests.fakes.ports import free_port
from tests.fakes.stage import Stage


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `turnout check` with the settings given; returns its lines by what they are about, and its exit status."""
    assistant = tmp_path / "assistant.toml"
    assistant.write_text('[assistant]\nname = "Check"\ndefault_route = ["prompt"]\n[models]\nprompt = "small"\n')

    def check(**settings: str) -> tuple[dict[str, str], int]:
        here = {"TURNOUT_DATA": str(tmp_path / "data"), "TURNOUT_ASSISTANT": str(assistant)}
        here["TURNOUT_HTTP"] = f"127.0.0.1:{free_port()}"
        for name, value in (here | settings).items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(cli, ["check"])
        lines = [line for line in result.output.splitlines() if not line.startswith(" ")]
        return {line[2:16].strip(): line[0] + " " + line[16:] for line in lines}, result.exit_code

    return check


@contextmanager
def platform(answers):
    """A platform's HTTP API: (method, path) → (status, JSON body). Remembers the calls with their authorization."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            calls.append((self.command, self.path, self.headers.get("Authorization", "")))
            status, body = answers.get((self.command, self.path), (404, {}))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", calls
        finally:
            server.shutdown()
            thread.join()


def test_a_fresh_machine_has_nothing_broken_and_nothing_is_left_behind(run, tmp_path):
    lines, status = run()
    assert status == 0
    assert lines["NATS"].startswith("–")
    assert "turnout up" in lines["NATS"]
    assert lines["model"].startswith("–")
    assert not (tmp_path / "data").exists()


def test_wrong_settings_are_all_named(run):
    lines, status = run(TURNOUT_LOG="loud")
    assert status == 1
    assert lines["settings"].startswith("✗")


def test_an_unknown_key_of_the_assistant_is_named_with_its_line(run, tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text('[assistant]\nname = "x"\ndefault_route = ["prompt"]\ncolour = "red"\n')
    lines, status = run(TURNOUT_ASSISTANT=str(broken))
    assert status == 1
    assert "broken.toml:4: assistant.colour: unknown key" in lines["assistant"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[knowledge]\npaths = ["nowhere"]\n', "nowhere does not exist"),
        ('[tracks]\nmine = "no_such_shop.chains:chain"\n', "no module no_such_shop.chains"),
    ],
)
def test_what_the_assistant_names_must_exist(run, tmp_path, text, says):
    broken = tmp_path / "broken.toml"
    broken.write_text('[assistant]\nname = "x"\ndefault_route = ["prompt"]\n' + text)
    lines, status = run(TURNOUT_ASSISTANT=str(broken))
    assert (status, lines["assistant"][0]) == (1, "✗")
    assert says in lines["assistant"]


def test_a_data_folder_that_cannot_be_made_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    lines, status = run(TURNOUT_DATA=str(tmp_path / "file" / "data"))
    assert status == 1
    assert "TURNOUT_DATA" in lines["data folder"]


def test_a_taken_address_is_named_with_another(run):
    with platform({}) as (url, _):
        port = int(url.rpartition(":")[2])
        lines, status = run(TURNOUT_HTTP=f"127.0.0.1:{port}")
    assert status == 1
    assert f"TURNOUT_HTTP 127.0.0.1:{port} is taken" in lines["address"]
    assert f"TURNOUT_HTTP=127.0.0.1:{port + 1}" in lines["address"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"TELEGRAM_WEBHOOK_URL": "https://shop.example"}, "TELEGRAM_WEBHOOK_SECRET"),
    ],
)
def test_what_belongs_together_must_be_set_together(run, settings, says):
    away = f"http://127.0.0.1:{free_port()}"
    lines, status = run(SLACK_API_BASE=away, TELEGRAM_API_BASE=away, **settings)
    assert (status, lines["channels"][0]) == (1, "✗")
    assert says in lines["channels"]


def test_telegram_and_slack_say_who_the_bot_is(run):
    answers = {
        ("POST", "/bot12:abc/getMe"): (200, {"ok": True, "result": {"username": "shop_bot"}}),
        ("POST", "/api/auth.test"): (200, {"ok": True, "user": "shopbot", "team": "The Shop"}),
    }
    with platform(answers) as (url, calls):
        lines, status = run(
            TELEGRAM_BOT_TOKEN="12:abc",
            TELEGRAM_API_BASE=url,
            SLACK_BOT_TOKEN="xoxb-1",
            SLACK_API_BASE=f"{url}/api/",
            SLACK_SIGNING_SECRET="s",
        )
    assert status == 0
    assert lines["telegram"] == "✓ @shop_bot"
    assert lines["slack"] == "✓ shopbot in The Shop"
    assert ("POST", "/api/auth.test", "Bearer xoxb-1") in calls


def test_a_refused_token_is_named_but_never_shown(run):
    with platform({("POST", "/bot12:abc/getMe"): (401, {"ok": False, "description": "Unauthorized"})}) as (url, _):
        lines, status = run(TELEGRAM_BOT_TOKEN="12:abc", TELEGRAM_API_BASE=url)
    assert status == 1
    assert "TELEGRAM_BOT_TOKEN is refused" in lines["telegram"]
    assert "12:abc" not in str(lines)


def test_a_platform_that_is_away_is_told_from_a_refusal(run):
    lines, status = run(TELEGRAM_BOT_TOKEN="12:abc", TELEGRAM_API_BASE=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert "cannot be reached" in lines["telegram"]
    assert "12:abc" not in str(lines)


def test_a_model_server_has_the_models_that_are_named(run):
    with platform({("GET", "/v1/models"): (200, {"data": [{"id": "small"}, {"id": "big"}]})}) as (url, calls):
        good, _ = run(OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="sk-1")
        bad, status = run(OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="sk-1", TURNOUT_MODEL="huge")
    assert good["model"].endswith("answers: small")
    assert status == 1
    assert "no model 'huge'" in bad["model"]
    assert "big, small" in bad["model"]
    assert calls[0] == ("GET", "/v1/models", "Bearer sk-1")


def test_a_refused_key_and_a_wrong_address_of_the_model_are_told_apart(run):
    with platform({("GET", "/v1/models"): (401, {})}) as (url, _):
        refused, _ = run(OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="sk-1")
        wrong, _ = run(OPENAI_BASE_URL=url)
    away, _ = run(OPENAI_BASE_URL=f"http://127.0.0.1:{free_port()}/v1")
    assert "OPENAI_API_KEY" in refused["model"]
    assert "answers 404" in wrong["model"]
    assert "cannot be reached" in away["model"]


def test_given_servers_that_are_away_are_named_by_their_variable(run):
    port = free_port()
    lines, status = run(NATS_URL=f"me:secret@127.0.0.1:{port}", REDIS_URL=f"redis://me:secret@127.0.0.1:{port}")
    assert status == 1
    assert f"NATS_URL 127.0.0.1:{port}" in lines["NATS"]
    assert f"REDIS_URL 127.0.0.1:{port}" in lines["Redis"]
    assert "secret" not in str(lines)


@pytest.fixture
async def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    await stage.close()


async def test_given_servers_that_answer_are_good(servers, stage):
    running = await stage.start("check", NATS_URL=servers.nats_url, REDIS_URL=servers.redis_url)
    assert await running.ended() == 0
    assert "JetStream is on" in running.said
    assert "keeps what it holds" in running.said


async def test_a_running_turnout_is_seen_to_run(stage):
    up = await stage.start("up")
    await up.until("is ready")
    running = await stage.start("check")
    assert await running.ended() == 0
    assert f"127.0.0.1:{stage.port}: Turnout answers" in running.said
    assert "embedded, running" in running.said


async def test_one_service_is_asked_whether_it_is_ready(servers, bus, stage):
    async def loading():
        return Health(service="retrieval", ready=False, detail="the index is loading")

    where = {"NATS_URL": servers.nats_url, "REDIS_URL": servers.redis_url}
    async with vitals(bus, "retrieval", loading):
        running = await stage.start("check", "retrieval", **where)
        assert await running.ended() == 1
        assert "the index is loading" in running.said
    running = await stage.start("check", "retrieval", **where)
    assert await running.ended() == 1
    assert "not running" in running.said
