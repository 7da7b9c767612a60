"""Objectives: losses to minimize on the rows of splits.

The folders `forget` and `retain` contain single terms. This folder contains objectives that are composed of such terms.
"""
