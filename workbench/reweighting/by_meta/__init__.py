"""Parts of meta rescaling: what is seen of rows, the network that rescales, and its step."""
