"""Engines: who walks the shares of the rows and adds up what each gives."""
