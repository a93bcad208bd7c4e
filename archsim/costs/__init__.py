"""What parts cost, by models of the literature: energy, area and leakage from bits, rates and sizes."""
