#!/usr/bin/env python3
"""Convert CSV to JSON lines (OUTPUT ends in .jsonl) or to another delimiter."""
import argparse
import csv
import json
import math
import sys
from pathlib import Path


def delimiter(text):
    text = text.replace("\\t", "\t")
    if len(text) != 1:
        raise argparse.ArgumentTypeError("must be one character")
    return text


def number_or_text(text):
    """Numbers as numbers, but keep codes such as 007 or +49 as they are."""
    digits = text.lstrip("-")
    if text.startswith("+") or "_" in text or (digits[:1] == "0" and digits[1:2] not in ("", ".")):
        return text
    for kind in (int, float):
        try:
            value = kind(text)
            return value if math.isfinite(value) else text
        except (ValueError, OverflowError):
            continue
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--delimiter", type=delimiter, default=",", help=r"of the input; \t for a tab (default: comma)")
    parser.add_argument("--to-delimiter", type=delimiter, help="of the output (default: tab for .tsv, otherwise comma)")
    parser.add_argument("--encoding", default="utf-8-sig", help="of the input; the output is always UTF-8")
    parser.add_argument("--numbers", action="store_true", help="write numbers as numbers in JSON lines")
    args = parser.parse_args()
    if args.input.resolve() == args.output.resolve():
        parser.error("the output must not be the input")

    try:
        with args.input.open(newline="", encoding=args.encoding) as source:
            rows = [row for row in csv.reader(source, delimiter=args.delimiter) if row]
        if not rows:
            raise ValueError("the file is empty")
        header, body = rows[0], rows[1:]
        for number, row in enumerate(body, start=1):
            if len(row) != len(header):
                raise ValueError(f"data row {number} has {len(row)} cells, the header has {len(header)}")
        as_lines = args.output.suffix.lower() in (".jsonl", ".ndjson")
        if as_lines and len(set(header)) != len(header):
            raise ValueError("two columns have the same name")
        with args.output.open("w", newline="", encoding="utf-8") as target:
            if as_lines:
                for row in body:
                    cells = [number_or_text(cell) for cell in row] if args.numbers else row
                    target.write(json.dumps(dict(zip(header, cells)), ensure_ascii=False) + "\n")
            else:
                default = "\t" if args.output.suffix.lower() == ".tsv" else ","
                writer = csv.writer(target, delimiter=args.to_delimiter or default, lineterminator="\n")
                writer.writerows(rows)
    except (OSError, ValueError, LookupError, csv.Error) as error:
        print(f"error: {args.input}: {error}", file=sys.stderr)
        return 1
    print(f"{args.output}: {len(body)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
