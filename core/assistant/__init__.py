"""The assistant file: who the bot is, its intents and routes, its models, knowledge and channels' policies.

    [assistant]
    name = "Pedal & Path"
    default_route = ["rag", "prompt"]

is a whole file: with no intents nothing is out of scope and every turn takes the default route. `read` raises one ConfigError
that names every wrong key with its line; `Watched` follows the file while it is edited.
"""

from core.assistant.reading import read
from core.assistant.tables import BUILT_IN_TRACKS, Assistant, ChannelPolicy, Intent, Knowledge, Models, Source
from core.assistant.watching import Watched

__all__ = ["BUILT_IN_TRACKS", "Assistant", "ChannelPolicy", "Intent", "Knowledge", "Models", "Source", "Watched", "read"]
