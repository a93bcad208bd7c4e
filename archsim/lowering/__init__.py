"""Tasks, kinds and stations of a job: one file for each kind of step."""
