"""What makes gradients trustworthy: finite differences that know their error, and a checker."""
