"""How numbers, formulas and nodes are written: `text` for people, `tex` for TeX.

A further notation is a file like `tex`.
"""
