"""Judges: what an answer is worth, by means that can be trusted.

`wording` tells whether a text says something · `refusing` whether it declines · `languages` what it is written in · `citations`
whether its sources bear it out · `checks` puts the marks together: all exact, repeatable, free. `model` asks a language model,
`calibration` whether people would agree with it: one that they do not may report, and decides nothing.
"""
