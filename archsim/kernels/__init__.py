"""Values: what analog arrays and analog CAMs compute. Plain numpy in `reference`, numba elsewhere."""
