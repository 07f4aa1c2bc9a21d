#!/usr/bin/env python3
"""List the fields of a PDF form, or fill them from a JSON file."""
import argparse
import json
import sys
from pathlib import Path

from pypdf import PdfReader, PdfWriter

KINDS = {"/Tx": "text", "/Btn": "button", "/Ch": "choice", "/Sig": "signature"}


def describe(fields):
    """One plain dictionary per field that can hold a value."""
    rows = []
    for name, field in fields.items():
        if field.get("/FT") is None:  # only groups other fields
            continue
        row = {"name": name, "type": KINDS.get(field["/FT"], field["/FT"]), "value": str(field.get("/V", ""))}
        options = field.get("/_States_") or field.get("/Opt")
        if options:
            # an option may be a pair of stored value and label
            row["options"] = [str(o[0] if isinstance(o, list) else o) for o in options]
        rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", type=Path)
    parser.add_argument("--list", action="store_true", help="print the fields as JSON and stop")
    parser.add_argument("--values", type=Path, help="JSON object: field name to value")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--password", help="password for an encrypted form")
    args = parser.parse_args()
    if not args.list and not (args.values and args.output):
        parser.error("give --list, or both --values and --output")
    if args.output and args.output.resolve() == args.form.resolve():
        parser.error("the output must not be the form itself")

    try:
        reader = PdfReader(args.form)
        if reader.is_encrypted and not reader.decrypt(args.password or ""):
            raise ValueError("encrypted, and the password is missing or wrong")
        rows = describe(reader.get_fields() or {})
        values = json.loads(args.values.read_text(encoding="utf-8")) if args.values else {}
    except Exception as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if args.list:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0

    unknown = sorted(set(values) - {row["name"] for row in rows})
    if unknown:
        parser.error("no such field: " + ", ".join(unknown))
    writer = PdfWriter()
    writer.append(reader)
    for page in writer.pages:
        if "/Annots" in page:
            writer.update_page_form_field_values(page, values, auto_regenerate=False)
    writer.write(args.output)
    print(f"{args.output}: {len(values)} of {len(rows)} fields filled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
