"""Where people are: the channels, and the kit that carries what they have in common.

`kit` holds the channel contract and everything around it; `telegram`, `slack`, `web` and `console` translate between a
platform and the records of `core`. A vendor's SDK is imported by its channel's folder only, in its own process. `commands` are
`turnout chat` and `turnout channel`. How to write a channel: docs/channels.md.
"""
