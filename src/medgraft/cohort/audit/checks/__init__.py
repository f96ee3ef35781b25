"""The checks, one file each; a new one needs only the decorator."""
