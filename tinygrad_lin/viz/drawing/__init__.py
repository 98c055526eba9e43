"""Drawings of graphs.

`draw` decides what is drawn, `folding` which nodes share a box, `dot` writes it in the language of
Graphviz, and `digraph` makes files of that, with the library that `rendering` finds. A further
format, such as TikZ or Mermaid, is a file beside `dot` and a suffix in `digraph`.
"""
