"""The measured policy: which track an intent takes, decided by evidence.

`statistics` holds the mathematics, on paired, clustered measurements · `believing` what they make one believe · `decision` the
rule: hard constraints first, then better, or not worse and cheaper, or "cannot tell" · `planning` says beforehand how many
questions that takes ·
`routes` are what comes of it, as records · `canary` watches one that is tried out, by `sequential` evidence · `drift` tells
whether people ask for other things now · `advice` is for who has measured nothing yet, its rules are data.

Nothing here asks a model or knows a service: measurements come in, verdicts with their reasons go out. The rules are proved
on thousands of simulated worlds and roll-outs whose truth is known (`tests/policy`).
"""
