"""The English catalogue: a template for each kind of what is said, an area a file.

May import nothing but the root."""
