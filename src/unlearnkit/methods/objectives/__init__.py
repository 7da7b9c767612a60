"""Objectives: the losses that training minimizes.

The folders `forget` and `retain` contain single terms. This folder contains objectives that are composed of such terms.
"""
