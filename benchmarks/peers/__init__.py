"""Holds the programs that measure sinkgraph's peers on the same shapes."""
