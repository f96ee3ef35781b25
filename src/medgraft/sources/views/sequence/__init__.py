"""Views of sequences (DNA, RNA, proteins)."""
