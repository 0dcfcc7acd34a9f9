"""What is measured of a comparison: figures, each beside its noise floor, group by group."""
