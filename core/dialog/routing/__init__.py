"""Which way a message goes: intent, confidence, scope, and what to do when unsure.

    router = Router(assistant)                       # trains on the file's examples; deterministic
    decision = router.decide(text, conversation)     # intent | clarify | out_of_scope, with a `why`
    part = clarification(decision, assistant)        # the question to ask back
    earlier = said_before(text, conversation)        # what to search for it with

`features` turns a text into n-grams, `lbfgs` finds a minimum, `classifier` puts them together with calibration and scope,
`carry` knows when a message leans on what was said before, `router` decides. docs/routing.md tells the owner's side.
"""

from core.dialog.routing.carry import said_before
from core.dialog.routing.router import Decision, Router, clarification

__all__ = ["Decision", "Router", "clarification", "said_before"]
