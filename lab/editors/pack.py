"""A folder as a ZIP file of the same bytes each time: names in their order, no times, no owners, nothing compressed (what
compresses is another program's, and changes)."""

import pathlib
import sys
import zipfile

folder, out = map(pathlib.Path, sys.argv[1:])
with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
        entry.create_system = 3
        entry.external_attr = 0o100644 << 16
        packed.writestr(entry, path.read_bytes())
