"""What the outside does to Turnout: platforms that repeat themselves, people who write too much, models that fail.

`town` runs the real services in this process between scripted platforms; `seen` reads what people saw as the oracle's history.
"""
