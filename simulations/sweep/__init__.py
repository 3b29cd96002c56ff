"""Many runs: grids over parameters and seeds, on the cores of this machine or on a cluster, resumable."""
