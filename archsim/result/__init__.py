"""What a run took and where it went: ledger, utilisation, saving."""
