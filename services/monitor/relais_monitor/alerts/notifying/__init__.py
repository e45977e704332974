"""Tells people of alerts that fire and resolve."""
