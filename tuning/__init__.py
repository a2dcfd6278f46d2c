"""Tuning: from conversations to a data set that a model can be trained on. `turnout tune dataset` is its first piece.

`turns` reads the log into conversations, `rows` makes chat-format rows of them without personal data, `duplicates`
finds what is there twice, `dataset` puts it together and writes the folder, `commands` is the command line. The tuned model
comes back into the dialog by its name alone (TURNOUT_TUNED_MODEL), so nothing here imports a training library.
"""
