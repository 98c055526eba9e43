"""How formulas, nodes and derivatives are written: `text` for people, `tex` for TeX.

`formulas` writes the formulas of the table of derivatives with either, `names` gives every node a
name of its own, and `equations` writes a node with its value. A further notation is a file like
`tex`.
"""
