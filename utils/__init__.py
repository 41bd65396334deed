"""What the lessons share: modes and set-up, data, figures, confusion matrices and checks.

A helper is built step by step in the lesson that teaches it and imported from here afterwards; its docstring names
that lesson. Nothing in here knows about one particular lesson.
"""
