"""Writes a workbook in the layout of the published Annex A, traps and all, with nothing but Python's own library.

    workbook.py <crates/tariff/data/apc_2017-18.csv> <out.xlsx> [<HRG> <column> <figure>]

Titles stand above the heading, headings are broken into lines, `-` means no price, every second figure is text with thousands
commas, columns that are of no use here stand beside those that are, and other sheets have other lists. The last three words
change one figure.
"""

import csv
import sys
import zipfile
from xml.sax.saxutils import escape

HEADING = {
    "hrg": "HRG code",
    "name": "HRG name",
    "outpatient_procedure_gbp": "Outpatient procedure tariff (£)",
    "combined_daycase_ordinary_elective_gbp": "Combined day case /\nordinary elective spell tariff (£)",
    "day_case_gbp": "Day case spell tariff (£)",
    "ordinary_elective_gbp": "Ordinary elective spell tariff (£)",
    "elective_trim_days": "Ordinary elective long stay\ntrim point (days)",
    "non_elective_gbp": "Non-elective spell tariff (£)",
    "non_elective_trim_days": "Non-elective long stay trim point (days)",
    "per_day_long_stay_gbp": "Per day long stay payment (for days exceeding trim point) (£)",
}
BESIDE = ["Reduced short stay emergency tariff applicable?", "SUS BPT flag"]


def column(index):
    name = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        name, index = chr(65 + letter) + name, index - 1
    return name


def sheet(rows):
    """A sheet's XML. Text is inline; whole numbers are numbers."""
    out = ['<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>']
    for number, row in enumerate(rows, 1):
        out.append(f'<row r="{number}">')
        for index, value in enumerate(row):
            place = f"{column(index)}{number}"
            if isinstance(value, int):
                out.append(f'<c r="{place}"><v>{value}</v></c>')
            elif value:
                text = f'<t xml:space="preserve">{escape(value)}</t>'
                out.append(f'<c r="{place}" t="inlineStr"><is>{text}</is></c>')
        out.append("</row>")
    out.append("</sheetData></worksheet>")
    return "".join(out)


def cell(text, line):
    if not text:
        return "-"
    return f"{int(text):,}" if line % 2 else int(text)


def main():
    source, out = sys.argv[1:3]
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if len(sys.argv) > 3:
        hrg, name, figure = sys.argv[3:6]
        next(row for row in rows if row["hrg"] == hrg)[name] = figure
    prices = [["2017/18 national prices"], [], list(HEADING.values()) + BESIDE]
    for line, row in enumerate(rows):
        figures = [cell(row[name], line) for name in list(HEADING)[2:]]
        prices.append([row["hrg"], row["name"], *figures, "No", "-"])
    sheets = {
        "Contents": [["National tariff workbook"], ["1. APC & OPROC"]],
        "1. APC & OPROC": prices,
        "No national price": [["HRG code", "HRG name"], ["LA97A", "Same day dialysis"]],
        "Maternity": [["Phase", "Price (£)"], ["Antenatal", 1_000]],
    }
    names = list(enumerate(sheets, 1))
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>' for n, name in names)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in names
        )
        + "</Relationships>",
    }
    parts.update((f"xl/worksheets/sheet{n}.xml", sheet(sheets[name])) for n, name in names)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + text)


if __name__ == "__main__":
    main()
