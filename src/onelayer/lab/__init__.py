"""The lab: the chapter as interactive lessons in the browser, served by one program on this machine.

``README.md`` beside this file says how a lesson is made. Importing this package imports nothing heavy.
"""
