"""Zips bootstraps into deployment packages whose bytes depend on nothing else.

package.py FOLDER...: FOLDER/bootstrap becomes FOLDER.zip
"""

import pathlib
import sys
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows
EXECUTABLE = 0o100755 << 16

for folder in map(pathlib.Path, sys.argv[1:]):
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.external_attr = EXECUTABLE
    entry.create_system = 3  # Unix, or the mode means nothing
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        archive.writestr(entry, (folder / "bootstrap").read_bytes(), zipfile.ZIP_DEFLATED, 9)
