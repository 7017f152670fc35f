"""What the book's listings use of torchvision, for where that is not installed (sections 3.5.1 and 4.2.1).

``from onelayer.d2l import torchvision, transforms`` takes the place of the book's ``import torchvision`` and
``from torchvision import transforms``. Each name does what torchvision's does, to the bit; the rest is not here.
"""

from typing import TYPE_CHECKING

from onelayer.d2l.names import no_stand_in
from onelayer.d2l.torchvision import datasets, transforms

__all__ = ["datasets", "transforms"]

if not TYPE_CHECKING:  # a type checker is to see the names above and no others
    __getattr__ = no_stand_in("torchvision", __all__)
