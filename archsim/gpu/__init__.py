"""GPUs: what they are on paper, how long their kernels take, and how far that is from measurements."""
