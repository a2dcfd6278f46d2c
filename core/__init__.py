"""The contracts every service shares, and the dialog service.

`records`, `knowledge` (what retrieval is asked) and `errors` are the words, `keys` builds every subject and key, `settings` and
`assistant` are the configuration. `bus`, `leases` and `memory` are contracts with a real implementation and an in-memory twin
each. `lanes` is the heart: it hands a conversation's events to one worker at a time, in order, and fences what is committed.
`dialog` carries a turn: memory, intent, route, track, commit. Nothing here imports `bots`, `retrieval` or `tuning`; they are
reached by subject. `policy` is the mathematics of deciding by evidence, `evaluation` measures,
`routes` acts on it.

To run it all: `cli` is the command and finds every service, channel and further command by entry point; `supervisor` is
`turnout up`, with `children` its processes and `embedded` the two servers it brings; `checks` and `probes` are `turnout check`,
`vitals` health and metrics, `logs` the log, `dead` the dead letters, `bench` the measure of a turn's cost. `scrub` takes
personal data out of a text, for whoever keeps one. A command reaches what runs by `connecting`, and says by `progress` how far
it is.
"""
