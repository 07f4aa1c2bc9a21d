#!/usr/bin/env python3
"""Print the text, the tables or the page count of a PDF."""
import argparse
import json
import sys
from pathlib import Path

import pdfplumber


def parse_pages(spec, total):
    """Turn "2-5,9" into a list of 1-based page numbers."""
    numbers = []
    for part in spec.split(","):
        first, _, last = part.strip().partition("-")
        start, end = int(first), int(last or first)
        if not 1 <= start <= end <= total:
            raise ValueError(f"page range {part!r} is outside 1-{total}")
        numbers.extend(range(start, end + 1))
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", type=Path)
    parser.add_argument("--pages", help="pages to read, such as 2-5,9 (default: all)")
    parser.add_argument("--password", default="")
    parser.add_argument("--output", type=Path, help="write here instead of standard output")
    parser.add_argument("--layout", action="store_true", help="keep the layout of the page")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--info", action="store_true", help="print the page count and metadata as JSON")
    mode.add_argument("--tables", action="store_true", help="print the tables as JSON")
    args = parser.parse_args()

    try:
        pdf = pdfplumber.open(args.input, password=args.password)
    except Exception as error:  # its type depends on the version of pdfplumber
        locked = "Password" in repr(error)
        reason = "encrypted, and the password is missing or wrong" if locked else error
        print(f"error: cannot read {args.input}: {reason}", file=sys.stderr)
        return 1

    with pdf:
        total = len(pdf.pages)
        try:
            numbers = parse_pages(args.pages, total) if args.pages else range(1, total + 1)
        except ValueError as error:
            parser.error(str(error))
        if args.info:
            metadata = {key: str(value) for key, value in pdf.metadata.items()}
            result = json.dumps({"pages": total, "metadata": metadata}, indent=2, ensure_ascii=False)
        elif args.tables:
            found = [{"page": n, "rows": rows} for n in numbers for rows in pdf.pages[n - 1].extract_tables()]
            result = json.dumps(found, indent=2, ensure_ascii=False)
        else:
            chunks = []
            for n in numbers:
                text = pdf.pages[n - 1].extract_text(layout=args.layout) or ""
                chunks.append(f"--- page {n} ---\n{text.rstrip()}\n")
            result = "\n".join(chunks)

    if args.output:
        args.output.write_text(result + "\n", encoding="utf-8")
    else:
        print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
