"""The book's downloads, without the network: files that the reader has put where the book puts them.

Section 4.10 in the first edition, 5.7 in the second. ``DATA_HUB`` names files with their URLs and SHA-1; those that
are there, as the book's module has them (d2l 0.17 and 1.x), are the house prices.
"""

import hashlib
import tarfile
import zipfile
from pathlib import Path

from onelayer.errors import OneLayerError, first_line

DATA_URL = "http://d2l-data.s3-accelerate.amazonaws.com/"
DATA_HUB = {
    "kaggle_house_train": (
        DATA_URL + "kaggle_house_pred_train.csv",
        "585e9cc93e70b39160e7921475f9bcd7d31219ce",
    ),
    "kaggle_house_test": (
        DATA_URL + "kaggle_house_pred_test.csv",
        "fa19780a7b011d9b009e8bff8e99922a8ee2eb90",
    ),
}  # name: (URL, SHA-1)


def download(url: str, folder: str = "../data", sha1_hash: str | None = None) -> str:
    """Return the path of a file in ``folder`` that the book would download into it. Nothing is downloaded.

    Args:
        url: the file's URL, or its name in ``DATA_HUB``, which has its SHA-1 too.
        folder: where the file has to be, under the last part of the URL.
        sha1_hash: the file's SHA-1; None takes any file of the name.

    Raises:
        OneLayerError: if the file is not there, or is another one; or if the name is not in ``DATA_HUB``.

    Example:
        >>> from pathlib import Path
        >>> from onelayer import d2l
        >>> Path("notes.csv").write_text("x,y")
        3
        >>> d2l.download("http://example.org/notes.csv", folder=".")
        'notes.csv'
    """
    if not url.startswith("http"):
        if url not in DATA_HUB:
            raise OneLayerError(
                f"DATA_HUB has no {url!r}, only {', '.join(DATA_HUB)}: set DATA_HUB[{url!r}] = (URL, SHA-1)"
            )
        url, sha1_hash = DATA_HUB[url]
    path = Path(folder) / url.rsplit("/", 1)[-1]
    place = path.resolve()
    if not place.is_file():
        raise OneLayerError(
            f"{place}: is not there, and onelayer downloads nothing: get it from {url} and put it into {place.parent}"
        )
    with place.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
    if sha1_hash is not None and found != sha1_hash:
        raise OneLayerError(
            f"{place}: is not the file that the book means: its SHA-1 is {found}, not {sha1_hash}; get it from {url}"
        )
    return str(path)


def download_all() -> None:
    """Check that all files of ``DATA_HUB`` are there, as ``download`` does.

    Example:
        >>> from onelayer import OneLayerError, d2l
        >>> try:
        ...     d2l.download_all()
        ... except OneLayerError as error:
        ...     print("onelayer downloads nothing" in str(error))
        True
    """
    for name in DATA_HUB:
        download(name)


def extract(filename: str, folder: str | None = None) -> None:
    """Unpack a zip or tar file into ``folder``, or beside itself if that is None.

    Raises:
        OneLayerError: if it is neither, is damaged, cannot be unpacked, or would write outside of the folder.

    Example:
        >>> import zipfile
        >>> from pathlib import Path
        >>> from onelayer import d2l
        >>> with zipfile.ZipFile("notes.zip", "w") as archive:
        ...     archive.writestr("first.txt", "y = Xw + b")
        >>> d2l.extract("notes.zip", "unpacked")
        >>> Path("unpacked/first.txt").read_text()
        'y = Xw + b'
    """
    folder = str(Path(filename).parent) if folder is None else folder
    try:
        if filename.endswith(".zip"):
            with zipfile.ZipFile(filename) as archive:
                archive.extractall(folder)  # without ".." and leading "/" in names
        elif filename.endswith((".tar", ".gz")):
            with tarfile.open(filename) as archive:
                archive.extractall(folder, filter="data")
        else:
            raise OneLayerError(f"{filename}: only .zip, .tar and .tar.gz are unpacked")
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise OneLayerError(f"{filename}: cannot be unpacked ({first_line(error)})") from error


def download_extract(name: str, folder: str | None = None) -> str:
    """Unpack a file of ``DATA_HUB`` beside itself and return the path of what was in it.

    That is ``folder`` in the folder of the file; without it, the path of the file without its ending.

    Raises:
        OneLayerError: as from ``download`` and ``extract``.

    Example:
        >>> from onelayer import OneLayerError, d2l
        >>> try:
        ...     d2l.download_extract("notes")
        ... except OneLayerError as error:
        ...     print(str(error).split(":")[0])
        DATA_HUB has no 'notes', only kaggle_house_train, kaggle_house_test
    """
    path = Path(download(name))
    extract(str(path))
    return str(path.parent / folder if folder else path.with_suffix(""))
