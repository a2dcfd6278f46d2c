"""The dialog service: carries each turn from the event to its committed answer.

`service` wires it. `turn` gathers what is answered together, keeps the preview and commits; `recall` finds the conversation in
memory or rebuilds it from the log; `desk` decides: `routing` names the intent (`sensing` has the vectors it may want,
`choosing` asks a model about what is unclear), the assistant's route names the tracks, and
the first of `tracks` that can serve answers, with the `models` it is given.
"""
