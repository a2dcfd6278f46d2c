"""The channel kit: everything channels have in common.

`contract` is what a channel is. `service` hosts one: it publishes what comes in before the platform is acknowledged, and
`delivery` sends what the log holds, with an intent before and a receipt after each message. `preview` shows an answer while it
is made, `pace` keeps to the platform's limits. `markdown` reads Markdown once, `split` cuts it, `answer` joins both with the
sources; a channel's `render` is built from these three. `proof` proves a channel.
"""
