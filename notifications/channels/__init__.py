"""The channels: one module for each way out of the house, all of one contract."""
