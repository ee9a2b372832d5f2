"""Rollouts of routes: plan, apply, history, rollback."""
