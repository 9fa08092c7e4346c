"""The studio's parts that need no screen: patches of a text, and their history.

Nothing here draws, and nothing writes a file.
"""
