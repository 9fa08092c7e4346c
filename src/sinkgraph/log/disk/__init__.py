"""Keeps events on a disk: one database file, one writer, a checksum on everything that is read.

It decides neither what is stored nor for how long; importing it loads no database library.
"""
