"""`python -m sinkgraph` is the command line."""

from sinkgraph.cli.main import main

main()
