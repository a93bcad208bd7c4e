"""Where each operator of a Graph lives on a Machine."""
