"""Segmentation: from outlined training samples to a mask of every new one."""
