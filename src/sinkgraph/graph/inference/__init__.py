"""What a graph is known to do before it runs; start at `sinkgraph.graph.inference.conclude`."""
