"""Tracks measured side by side: `turnout eval tracks QUESTIONS`.

`records` are what a run is, from one case to the whole · `figures` what is made of it, each with its interval · `deciding`
hands it to the rule (`core.policy`) and writes what comes of it as routes with their evidence · `learned` what a tuned model
was trained on · `report` what people look at, and what must be true before anybody acts on it.
"""
