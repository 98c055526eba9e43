"""What people look at: drawings of graphs, and plots."""
