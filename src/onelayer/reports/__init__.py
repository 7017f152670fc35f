"""What a run leaves in its folder: the model, the history, and one page that tells what was learned and how well.

``findings`` gathers what there is to tell, ``page`` writes it in a language, ``charts`` draws; numbers that are not
the run's own come from ``onelayer.diagnostics``.
"""

from onelayer.reports.findings import Extras, Findings, findings
from onelayer.reports.page import page
from onelayer.reports.results import write

__all__ = ["Extras", "Findings", "findings", "page", "write"]
