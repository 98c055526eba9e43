"""How formulas and nodes are written: with `text` for people, with `tex` for TeX.

`equations` names every node and writes its value and derivatives with either. A further notation
is a file like `tex`.
"""
