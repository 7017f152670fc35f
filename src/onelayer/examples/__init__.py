"""Examples beyond the chapter, each of which reads from top to bottom: ``onelayer example NAME`` runs one."""
