"""Evaluations that core runs itself, each a package and a command of `turnout eval`, and what every evaluation shares.

`intervals` says how sure a mean is, `kept` keeps runs and finds the last one, `pages` and `pictures` are what people look at.
"""
