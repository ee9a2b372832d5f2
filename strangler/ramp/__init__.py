"""Ramps: canaries that are watched, promoted and taken back by what nginx's log says."""
