"""Configurations that cannot work, by what is wrong: the assistant file or the variables, and words that must be said of it."""

GOOD = '[assistant]\nname = "Check"\ndefault_route = ["prompt"]\n'
INTENT = '[[intents]]\nname = "a"\nexamples = ["x"]\n'
NOWHERE = "http://127.0.0.1:1"  # the platform's address: nothing listens there, and nothing has to
TELEGRAM = {"TELEGRAM_BOT_TOKEN": "42:ABC", "TELEGRAM_API_BASE": NOWHERE}
HOOKED = TELEGRAM | {"TELEGRAM_WEBHOOK_URL": "https://shop.example/telegram/webhook"}
SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_BASE": NOWHERE}

FILES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": ("", ("assistant: is missing", "smallest file")),
    "an unclosed table": (GOOD + "[models\n", (":4: ", "[models")),
    "an unclosed text": ('[assistant]\nname = "Check\n', (":2: ",)),
    "a key twice": (GOOD + '[models]\nprompt = "a"\nprompt = "b"\n', (":6: ",)),
    "no name": ('[assistant]\ndefault_route = ["prompt"]\n', ("assistant.name: is missing",)),
    "an empty route": (
        '[assistant]\nname = "x"\ndefault_route = []\n',
        (":3: assistant.default_route", "must not be an empty list"),
    ),
    "a route that is no list": ('[assistant]\nname = "x"\ndefault_route = "rag"\n', ("must be a list",)),
    "an unknown track": ('[assistant]\nname = "x"\ndefault_route = ["promt"]\n', ("no track is called 'promt'", "'prompt'?")),
    "a template for everybody": ('[assistant]\nname = "x"\ndefault_route = ["template"]\n', ("only an intent can take",)),
    "an unknown key": (GOOD + 'persna = "x"\n', (":4: assistant.persna: unknown key", "'persona'?")),
    "an unknown table": (GOOD + '[modles]\nprompt = "x"\n', ("modles: unknown key", "'models'?")),
    "a text for a number": (GOOD + '[models]\ntemperature = "hot"\n', (":5: models.temperature: must be a number",)),
    "a negative number": (GOOD + "[models]\nmax_tokens = -1\n", (":5: models.max_tokens: must be greater",)),
    "no time at all": (GOOD + "[models]\nfirst_token_seconds = 0\n", ("models.first_token_seconds: must be greater than 0",)),
    "endless time": (GOOD + "[models]\nwhole_answer_seconds = inf\n", ("whole_answer_seconds: must be a finite number",)),
    "half a turn": (GOOD + "[memory]\nturns = 2.5\n", ("memory.turns: must be a whole number",)),
    "an intent twice": (GOOD + INTENT + INTENT, ("intents 1 and 2 are both called 'a'",)),
    "an intent with a space": (GOOD + INTENT.replace('"a"', '"a b"'), ("intents[1].name: may hold only small letters",)),
    "an intent without examples": (GOOD + '[[intents]]\nname = "a"\nexamples = []\n', ("intents[1].examples",)),
    "a template without words": (GOOD + INTENT + 'route = ["template"]\n', ("intent 'a'", "no `template` text")),
    "an unknown policy": (GOOD + '[channels.web]\noverlap = "sometimes"\n', ("channels.web.overlap: must be 'queue'",)),
    "a mistyped channel": (GOOD + '[channels.telegramm]\noverlap = "merge"\n', ("channels.telegramm", "'telegram'?")),
    "documents that are nowhere": (GOOD + '[knowledge]\npaths = ["nowhere"]\n', ("knowledge.paths: nowhere does not exist",)),
    "a loader that is nowhere": (GOOD + '[knowledge]\npaths = ["json:nope"]\n', ("knowledge.paths: module json has no nope",)),
    "embeddings that are nowhere": (GOOD + '[knowledge]\nembeddings = "no_such.e:e"\n', ("no module no_such.e",)),
    "a track of no module": (GOOD + '[tracks]\nmine = "no_such.chains:chain"\n', ("tracks.mine: no module no_such.chains",)),
    "a track of no name": (GOOD + '[tracks]\nmine = "json"\n', ("tracks.mine", "module:attribute")),
    "a track that cannot run": (GOOD + '[tracks]\nmine = "json:dumps"\n', ("tracks.mine", "no LangChain Runnable")),
    "a track in place of ours": (GOOD + '[tracks]\nprompt = "json:dumps"\n', ("tracks.prompt", "another name")),
    "another encoding": ((GOOD + 'greeting = "Grüße"\n').encode("latin-1"), ("not UTF-8 at byte", "save the file as UTF-8")),
}

VARIABLES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "no such file": ({"TURNOUT_ASSISTANT": "/nowhere/assistant.toml"}, ("TURNOUT_ASSISTANT: cannot read /nowhere",)),
    "a port beyond all ports": ({"TURNOUT_HTTP": "127.0.0.1:99999"}, ("TURNOUT_HTTP", "127.0.0.1:8080")),
    "a digit that is none": ({"TURNOUT_HTTP": "127.0.0.1:²"}, ("TURNOUT_HTTP", "127.0.0.1:8080")),
    "another machine's address": ({"TURNOUT_HTTP": "192.0.2.1:8080"}, ("TURNOUT_HTTP 192.0.2.1:8080", "of this machine")),
    "an unknown log": ({"TURNOUT_LOG": "loud"}, ("TURNOUT_LOG: must be json or text",)),
    "perhaps": ({"TURNOUT_REDIS_MAY_FORGET": "perhaps"}, ("TURNOUT_REDIS_MAY_FORGET: must be true or false",)),
    "a mistyped service": ({"TURNOUT_SERVICES": "core,webb"}, ("TURNOUT_SERVICES", "'webb'", "'web'?")),
    "a key that can be guessed": ({"TURNOUT_SECRET": "s3cret"}, ("TURNOUT_SECRET", "16")),
    "a folder that is none": ({"TURNOUT_DATA": "/proc/turnout"}, ("/proc/turnout is not writable", "TURNOUT_DATA")),
    "NATS away": ({"NATS_URL": "nats://127.0.0.1:1"}, ("NATS_URL 127.0.0.1:1", "start it, or correct the address")),
    "no address of Redis": ({"REDIS_URL": "http://127.0.0.1:1"}, ("REDIS_URL", "redis://")),
    "a model server without scheme": ({"OPENAI_BASE_URL": "localhost:11434/v1"}, ("OPENAI_BASE_URL: must be an address",)),
    "a model without a server": ({"TURNOUT_MODEL": "gpt-9"}, ("TURNOUT_MODEL is 'gpt-9'", "OPENAI_BASE_URL")),
    "a token that is none": (TELEGRAM | {"TELEGRAM_BOT_TOKEN": "42:A B"}, ("TELEGRAM_BOT_TOKEN is", "malformed", "@BotFather")),
    "a hook without a secret": (HOOKED, ("TELEGRAM_WEBHOOK_SECRET",)),
    "a secret with a blank": (HOOKED | {"TELEGRAM_WEBHOOK_SECRET": "a b"}, ("TELEGRAM_WEBHOOK_SECRET", "letters, digits")),
    "a hook without a bot": (
        {"TELEGRAM_WEBHOOK_URL": "https://shop.example", "TELEGRAM_WEBHOOK_SECRET": "s"},
        ("without TELEGRAM_BOT_TOKEN",),
    ),
    "Slack without a door": (SLACK, ("SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN")),
    "Slack without a bot": ({"SLACK_SIGNING_SECRET": "x"}, ("SLACK_BOT_TOKEN is missing",)),
    "Slack's tokens exchanged": (SLACK | {"SLACK_APP_TOKEN": "xoxb-1"}, ("SLACK_APP_TOKEN", "xapp-")),
}
