"""The chain rule: `steps` lists both passes, `explanation` follows the paths to one leaf."""
