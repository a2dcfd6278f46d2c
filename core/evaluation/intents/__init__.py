"""`turnout eval intents`: how well the intents are told apart, on the assistant's examples by cross-validation and on messages.

`reading` gets what the assistant reads of them, `judged` has each message judged by a router that has not learned from it,
`measuring` makes figures and a run of it, `stated` sets a stated risk beside what was measured, `advising` says which examples
to look at, `page` shows it, `commands` is the command.
"""
