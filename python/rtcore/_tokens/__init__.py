"""Tokens that another service signed: where their keys are from, and what their claims must be."""
