"""What is to be simulated, read from a TOML file: one description for all four tiers."""
