#!/usr/bin/env python3
"""Join PDFs, or parts of them, in the order given."""
import argparse
import re
import sys
from pathlib import Path

from pypdf import PdfReader, PdfWriter

RANGE = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def split_input(argument):
    """Split "report.pdf:2-10" into a path and a page range (or None)."""
    path, colon, tail = argument.rpartition(":")
    if colon and RANGE.fullmatch(tail):
        return Path(path), tail
    return Path(argument), None


def page_indexes(spec, total):
    if spec is None:
        return list(range(total))
    indexes = []
    for part in spec.split(","):
        first, _, last = part.partition("-")
        start, end = int(first), int(last or first)
        if not 1 <= start <= end <= total:
            raise ValueError(f"page range {part} is outside 1-{total}")
        indexes.extend(range(start - 1, end))
    return indexes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="FILE[:RANGE]")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--password", help="password for encrypted inputs")
    args = parser.parse_args()

    sources = [split_input(argument) for argument in args.inputs]
    if args.output.resolve() in [path.resolve() for path, _ in sources]:
        parser.error("the output must not be one of the inputs")

    writer = PdfWriter()
    for path, spec in sources:
        try:
            reader = PdfReader(path)
            if reader.is_encrypted and not reader.decrypt(args.password or ""):
                raise ValueError("encrypted, and the password is missing or wrong")
            total = len(reader.pages)
        except Exception as error:
            print(f"error: cannot read {path}: {error}", file=sys.stderr)
            return 1
        try:
            writer.append(reader, pages=page_indexes(spec, total))
        except ValueError as error:
            parser.error(f"{path}: {error}")
    writer.write(args.output)
    print(f"{args.output}: {len(writer.pages)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
