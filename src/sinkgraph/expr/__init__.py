"""CEL expressions: every finding before they run, one value or one error when they do."""
