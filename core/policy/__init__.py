"""The measured policy: which track an intent takes, decided by evidence.

`statistics` holds the mathematics, on paired, clustered measurements · `decision` the rule: hard constraints first, then
better, or not worse and cheaper, or "cannot tell yet, n more" · `planning` says beforehand how many questions that takes.

Nothing here asks a model or knows a service: measurements come in, verdicts with their reasons go out. The rule is proved on
thousands of simulated worlds whose truth is known (`tests/policy`).
"""
