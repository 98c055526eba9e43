"""A page that replays a graph: one HTML file, without a network, that computes by itself.

`page` puts the file together from what `scene` knows and draws of the graph, `javascript`
translates and `training` adds. `page.html` and `page.css` are its skeleton and its looks;
`engine.js` computes, `player.js` replays, and `training.js` runs gradient descent.
"""
