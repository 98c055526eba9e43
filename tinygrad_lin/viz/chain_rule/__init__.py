"""The chain rule at work: `steps` lists both passes, `explanation` follows the paths to one leaf."""
