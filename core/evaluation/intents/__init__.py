"""`turnout eval intents`: how well the intents are told apart, on the assistant's examples by cross-validation and on messages.

`measuring` judges each message by a router that has not learned from it and makes a run of it, `advising` says which examples
to look at, `page` shows it, `commands` is the command.
"""
