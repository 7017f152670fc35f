"""The chapter in short, and a self-test."""
