"""Readers: the bytes of one export in, tidy frames out; nothing is averaged, renamed or guessed."""
