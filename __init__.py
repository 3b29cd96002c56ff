"""mesh99: direct, encrypted lines between agents."""
