#!/bin/sh
# Fetches the answers of real people to two inventories of personality from the R package psychTools, as Debian and Ubuntu
# carry it (r-cran-psychtools), without R, into FOLDER:
#
#     spi.csv    4,000 people, the items of the SAPA Personality Inventory           surveys/spi.toml
#     epiR.csv   474 people twice, the items of the Eysenck Personality Inventory    surveys/epi.toml
#
# They are GPL (>= 2) as part of that package and are not kept in this repository.
#
#     usage: scripts/fetch-psychtools.sh FOLDER
set -eu
folder=${1:?usage: scripts/fetch-psychtools.sh FOLDER}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "error: this takes the package from apt; elsewhere write spi and epiR of R's psychTools as CSV" >&2
    exit 1
}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -q -o APT::Sandbox::User=root download r-cran-psychtools >/dev/null || {
    echo "error: apt has no r-cran-psychtools; its lists may be old (apt-get update)" >&2
    exit 1
}
dpkg-deb -x r-cran-psychtools_*.deb .
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check rdata==1.1.0
python/bin/python -W ignore - "$folder" <<'PYTHON'
import sys, zlib

import rdata

base = "usr/lib/R/site-library/psychTools/data/Rdata"
places = rdata.read_rds(base + ".rdx")["variables"]
for name in ["spi", "epiR"]:
    start, length = map(int, places[name])
    with open(base + ".rdb", "rb") as file:
        file.seek(start + 4)  # its length unpacked stands before the data
        data = zlib.decompress(file.read(length - 4))
    table = rdata.conversion.convert(rdata.parser.parse_data(data))
    path = f"{sys.argv[1]}/{name}.csv"
    table.to_csv(path, index=False, na_rep="NA")
    print(path)
PYTHON
