"""Evaluations that core runs itself, each a package and a command of `turnout eval`."""
