"""The web channel, and the only HTTP front of Turnout.

A browser makes a session (`sessions`: a signed token, nothing stored), posts messages (`api`: 202 only once the event is in
IN) and reads server-sent events (`events`): the committed turns of its lane from LOG, by sequence, so that a reconnect with
`Last-Event-ID` misses nothing and repeats nothing, and the live tokens in between. `wire` holds every JSON form, `routes`
the one table that both the application and `/openapi.json` are made from.

Beside the channel stand the operator's endpoints (`operate`), webhooks handed on to other channels (`hooks`), the page that
shows a cited document (`sources`), and the chat page with its embeddable widget (`static`, served by `assets`).
`app` wires them, `service.serve` runs them.
"""
