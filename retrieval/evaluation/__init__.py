"""Evaluation: how good the answers' passages are, on questions of the owner's, with an interval round every figure.

`questions` reads them (`thumbs` finds them in the log, `generating` has a model write them), `asking` asks the search,
`judging` gives each question its marks, `noise` asks it again badly written. `runs` makes a run of it and compares it with
the last; `page` shows it. `suggest` tunes on one part of the
questions and proves it on the rest; `rebuilding` makes the index again for that. `commands` is `turnout eval`.
"""
