"""The store: folders of runs, here or at an address, and the catalogue that finds them."""
