"""The pure core: arrays in, arrays out; no path, clock, environment, logging or global."""
