"""The routes in force: kept, followed, rolled out, questioned.

`core.policy.routes` holds the records. Here `versions` keeps every one of them in NATS, and `standing` is what a core follows
now and which version a conversation takes. `proposals` become versions; `rollout` lets a canary grow or takes it back by what
the log shows of it (`trial`, `progress`), and asks in shadow (`shadows`). `ageing` says what is to be measured again:
`staleness` by what evidence was made with (`present`: as it is now), `mix` by what people ask for. `commands` is `turnout
routes`, with `asked`, `advising` and its words, `telling`; `history` reads the log. docs/routing.md tells the owner's side.
"""
