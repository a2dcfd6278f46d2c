"""The routes in force: kept, followed, rolled out, questioned.

`core.policy.routes` holds the records. Here `versions` keeps every one of them in NATS, `standing` is what a core follows now
and which version a conversation takes. docs/routing.md tells the owner's side.
"""
