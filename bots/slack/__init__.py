"""The Slack channel: what Slack sends becomes events, a committed turn becomes Slack messages.

`channel.Slack` is the channel; `parse` and `render` are its pure halves, `api` turns what slack_sdk raises into the errors
that the kit acts on, `sockets` is socket mode, `threads` knows which threads the bot follows. Nothing outside this folder
imports slack_bolt or slack_sdk.

Two doors, each open when its setting is there: SLACK_SIGNING_SECRET opens `POST /slack/events` (Slack signs every call),
SLACK_APP_TOKEN opens a socket. Slack itself uses one of them: whichever the app's configuration names, so both may be set.

Where the bot answers: always in direct messages and in the assistant pane; in channels when it is mentioned, and then to
everybody in that thread without another mention. Scopes: app_mentions:read, assistant:write, channels:history, channels:read,
chat:write, groups:history, groups:read, im:history, mpim:read. Events: app_mention, message.channels, message.groups,
message.im. Interactivity: the same address as the events.
"""
