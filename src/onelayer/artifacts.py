"""What training leaves on disk: trained models and checkpoints as safetensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from onelayer.data.rows import BLOCK_ROWS, as_features
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.run_folder import model_in

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding

FORMAT = "onelayer-model-1"
METADATA = "onelayer"


@dataclass(frozen=True)
class TrainedModel:
    """A trained model in the user's units: raw table columns, or pixels between 0 and 1.

    Attributes:
        weight: (q, h) and
        bias: (q,) of the output layer.
        hidden_weight: (h, d) and
        hidden_bias: (h,) of an MLP's hidden layer, else None; then h is d.
        kind: ``"linear"``, ``"softmax"``, ``"mlp"`` or ``"phm"``; a PHM layer is kept as its whole weight.
        data: the name of the data set it was trained on.
        target: the name of the target.
        classes: the names of the classes; empty for regression.
        features: the names of the features; empty for images.
        image_shape: (height, width) of the images it takes, or None.
        encoding: how table columns become features, or None.
        feature_mean: (d,) what stands in for a missing feature, or None.
        settings: how it was trained.
    """

    weight: Tensor
    bias: Tensor
    hidden_weight: Tensor | None
    hidden_bias: Tensor | None
    kind: str
    data: str
    target: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    image_shape: tuple[int, int] | None
    encoding: "Encoding | None"
    feature_mean: Tensor | None
    settings: Mapping[str, Any]

    @property
    def n_features(self) -> int:
        """The number of features d it takes."""
        return (self.weight if self.hidden_weight is None else self.hidden_weight).shape[1]

    @torch.inference_mode()
    def outputs(self, X: Tensor) -> Tensor:
        """Return logits, or predicted numbers, (n, q) for features (n, d), bytes or floats."""
        return torch.cat([self._outputs(block) for block in X.split(BLOCK_ROWS)])

    def _outputs(self, X: Tensor) -> Tensor:
        X = as_features(X).to(self.weight.dtype)
        if self.feature_mean is not None:
            X = torch.where(X.isnan(), self.feature_mean, X)
        if self.hidden_weight is not None and self.hidden_bias is not None:
            X = (X @ self.hidden_weight.T + self.hidden_bias).relu()
        return X @ self.weight.T + self.bias

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file.

        Raises:
            OneLayerError: if the file cannot be written.
        """
        write_whole({Path(path): self.to_bytes()})

    def to_bytes(self) -> bytes:
        """Return the content of the file that ``save`` writes."""
        tensors = {name: getattr(self, name) for name in _TENSORS}
        about = {name: getattr(self, name) for name in _ABOUT}
        about["settings"] = dict(self.settings)
        about["encoding"] = None if self.encoding is None else self.encoding.to_json()
        about["feature_unit"] = "pixel / 255" if self.image_shape else "as in the table"
        return tensors_to_bytes(FORMAT, tensors, about)

    @staticmethod
    def load(path: str | Path) -> "TrainedModel":
        """Read a model that ``save`` wrote; ``path`` is the file or the folder it is in.

        Raises:
            OneLayerError: if the file is missing, damaged or not a model of onelayer, or if the run in the folder
                has not finished.
        """
        path = Path(path)
        if path.is_dir():
            path = model_in(path)
        tensors, about = read_tensors(path, FORMAT)
        try:
            return TrainedModel._from_parts(tensors, about)._checked(path)
        except OneLayerError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise OneLayerError(f"{path}: incomplete model file ({error})") from error

    @staticmethod
    def _from_parts(tensors: dict[str, Tensor], about: dict[str, Any]) -> "TrainedModel":
        if about["encoding"] is not None:
            from onelayer.data.encoding import Encoding

            about |= {"encoding": Encoding.from_json(about["encoding"])}
        about |= {name: tuple(about[name]) for name in ("classes", "features")}
        about |= {"image_shape": about["image_shape"] and tuple(about["image_shape"])}
        return TrainedModel(
            **{name: tensors.get(name) for name in _TENSORS},  # type: ignore[arg-type]
            **{name: about[name] for name in _ABOUT},
        )

    def _checked(self, path: Path) -> "TrainedModel":
        """Return the model if its parts fit each other; a damaged or foreign file must not predict."""
        tensors = [t for name in _TENSORS if (t := getattr(self, name)) is not None]
        q, h = self.weight.shape
        hidden, hidden_bias = self.hidden_weight, self.hidden_bias
        fits = self.bias.shape == (q,) and q == (len(self.classes) or 1)
        if hidden is not None:
            fits &= hidden.ndim == 2 and hidden_bias is not None and len(hidden) == len(hidden_bias) == h
        d = self.n_features
        if self.encoding is not None:
            fits &= d == len(self.features) and self.features == self.encoding.features
            fits &= (self.feature_mean is not None) == (self.encoding.missing == "mean")
        else:
            fits &= self.image_shape is not None and d == self.image_shape[0] * self.image_shape[1]
        if not fits or not all(t.is_floating_point() and t.isfinite().all() for t in tensors):
            raise OneLayerError(f"{path}: damaged: its parts do not fit each other")
        return self


_TENSORS = ("weight", "bias", "hidden_weight", "hidden_bias", "feature_mean")
_ABOUT = (
    "kind",
    "data",
    "target",
    "classes",
    "features",
    "image_shape",
    "encoding",
    "settings",
)


def tensors_to_bytes(form: str, tensors: Mapping[str, Tensor | None], about: Mapping[str, Any]) -> bytes:
    """Return a safetensors file of the tensors that are not None and JSON values about them."""
    present = {name: t.detach().cpu().contiguous() for name, t in tensors.items() if t is not None}
    # One entry: the library writes several in any order, and equal models would differ as files.
    metadata = {METADATA: json.dumps({"format": form, "about": about}, ensure_ascii=False)}
    return safetensors.torch.save(present, metadata)


def read_tensors(path: Path, form: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the JSON values that ``tensors_to_bytes`` made in the same form.

    Raises:
        OneLayerError: if the file is missing, damaged or of another form.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise OneLayerError(f"{path}: not a safetensors file, or a damaged one ({error})") from error
    header_size = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + header_size]).get("__metadata__", {})
    try:
        metadata = json.loads(entries.get(METADATA, "{}"))
        found = metadata.get("format")
        if found == form:
            return tensors, dict(metadata["about"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OneLayerError(f"{path}: its description is damaged ({error})") from error
    raise OneLayerError(
        f"{path}: not written by this version of onelayer (expected the format {form!r}, found {found!r})"
    )
