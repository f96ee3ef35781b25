"""The data sets, a module for each kind of publisher; their addresses are published ones, none was tried."""
