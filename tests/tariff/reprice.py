"""Prices every case of the shipped lists again, with nothing but Python's own library.

    almoner tariff table [--provider RHW] | reprice.py <crates/tariff/data> [RHW]

Written from the rules of the 2017/19 National Tariff Payment System as docs/pricing.md tells them, not from the program's
code: every HRG of both years, each setting, stays of 0 to 200 days, in whole pence and with a market forces factor. Reads the
program's table on standard input and compares it line by line, to the penny and to the reason where there is no price.

Then it prices everything once more with each defect that public calculators of these prices are known for. Every one of
them must differ from the program's table somewhere: a comparison that no defect disturbs would prove nothing.

Prints what was compared; exits 1 at the first difference.
"""

import csv
import pathlib
import sys

LISTS = [("2017-18", "apc_2017-18.csv"), ("2018-19", "apc_2018-19.csv")]
SETTINGS = ["day-case", "ordinary-elective", "outpatient-procedure"]
STAYS = range(201)


def pence(text):
    """Pounds as they are published, in pence. Blank and `-` mean no price, which is not nothing."""
    if text in ("", "-"):
        return None
    pounds, _, rest = text.replace(",", "").partition(".")
    return int(pounds) * 100 + int((rest + "00")[:2])


def days(text):
    return None if text in ("", "-") else int(text)


class Group:
    """A row of Annex A."""

    def __init__(self, row):
        self.hrg = row["hrg"]
        self.procedure = pence(row["outpatient_procedure_gbp"])
        self.combined = pence(row["combined_daycase_ordinary_elective_gbp"])
        self.day_case = pence(row["day_case_gbp"])
        self.ordinary = pence(row["ordinary_elective_gbp"])
        self.trim = days(row["elective_trim_days"])
        self.emergency = pence(row["non_elective_gbp"])
        self.emergency_trim = days(row["non_elective_trim_days"])
        self.per_day = pence(row["per_day_long_stay_gbp"])


def before_factor(group, setting, stay):
    """The whole price before the market forces factor in pence, or the reason why there is none."""
    if group.hrg.startswith("UZ"):
        return "INVALID_FOR_GROUPING"
    if setting == "outpatient-procedure":
        return "NO_NATIONAL_PRICE" if group.procedure is None else group.procedure
    if setting == "day-case" and stay > 0:
        return "DAY_CASE_WITH_STAY"
    apart = group.day_case if setting == "day-case" else group.ordinary
    listed = group.combined if apart is None else apart
    if listed is None:
        return "NO_NATIONAL_PRICE"
    if setting == "day-case" or group.trim is None or stay <= group.trim:
        return listed
    return listed + (stay - group.trim) * group.per_day


# What public calculators of these prices get wrong. Each returns what it would say, and None where it has no case of its own.


def same_day_ordinary_as_procedure(group, setting, stay):
    """A same-day ordinary admission at the outpatient procedure price."""
    return group.procedure if setting == "ordinary-elective" and stay == 0 else None


def separate_prices_added(group, setting, stay):
    """Where there is no combined price, day case and ordinary elective added together."""
    if setting == "outpatient-procedure" or group.combined is not None or group.day_case is None:
        return None
    return group.day_case + group.ordinary


def emergency_price_for_elective(group, setting, stay):
    """The emergency price of a short stay without a look at how the patient was admitted."""
    return group.emergency if setting == "ordinary-elective" and stay < 2 else None


def trim_days_as_price(group, setting, stay):
    """The trim point in days taken for a price."""
    return group.trim if setting == "ordinary-elective" and group.trim and stay > group.trim else None


def emergency_trim_for_elective(group, setting, stay):
    """An elective stay against the emergency trim point."""
    if setting != "ordinary-elective" or group.emergency_trim is None or group.per_day is None:
        return None
    listed = before_factor(group, setting, 0)
    return listed + max(0, stay - group.emergency_trim) * group.per_day if isinstance(listed, int) else None


def short_stay_made_positive(group, setting, stay):
    """Days short of the trim point paid as if they were beyond it."""
    listed = before_factor(group, setting, 0)
    if setting != "ordinary-elective" or group.trim is None or not isinstance(listed, int):
        return None
    return listed + abs(stay - group.trim) * group.per_day


def trim_day_paid(group, setting, stay):
    """The day of the trim point itself paid."""
    listed = before_factor(group, setting, 0)
    if setting != "ordinary-elective" or group.trim is None or not isinstance(listed, int):
        return None
    return listed + max(0, stay - group.trim + 1) * group.per_day


def missing_price_is_nothing(group, setting, stay):
    """A blank taken for a price of nothing."""
    return 0 if before_factor(group, setting, stay) == "NO_NATIONAL_PRICE" else None


DEFECTS = [
    same_day_ordinary_as_procedure,
    separate_prices_added,
    emergency_price_for_elective,
    trim_days_as_price,
    emergency_trim_for_elective,
    short_stay_made_positive,
    trim_day_paid,
    missing_price_is_nothing,
]


def factor(folder, provider):
    """The provider's payment index as a fraction of whole numbers."""
    if not provider:
        return 1, 1
    with open(folder / "mff_2017-19.csv", newline="", encoding="utf-8") as file:
        index = {row["provider"]: row["payment_index"] for row in csv.DictReader(file)}[provider]
    whole, _, rest = index.partition(".")
    return int(whole + rest), 10 ** len(rest)


def main():
    folder, provider = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    above, below = factor(folder, provider)

    def priced(answer):
        """With the factor, rounded once to the nearest penny, half up."""
        return answer if isinstance(answer, str) else (answer * above * 2 + below) // (below * 2)

    groups, cases, values = 0, 0, 0
    found = dict.fromkeys(DEFECTS, 0)
    for year, name in LISTS:
        with open(folder / name, newline="", encoding="utf-8") as file:
            rows = [Group(row) for row in csv.DictReader(file)]
        assert len(rows) == 2303, f"{name}: {len(rows)} groups"
        groups += len(rows)
        for group in sorted(rows, key=lambda group: group.hrg):
            for setting in SETTINGS:
                ours = [str(priced(before_factor(group, setting, stay))) for stay in STAYS]
                line = sys.stdin.readline().rstrip("\n")
                expected = f"{year},{group.hrg},{setting},{' '.join(ours)}"
                if line != expected:
                    theirs = line.rsplit(",", 1)[-1].split(" ")
                    differs = [n for n in STAYS if n >= len(theirs) or theirs[n] != ours[n]]
                    stay = differs[0] if differs else 0
                    print(f"{year} {group.hrg} {setting} {stay} days: the program says", *theirs[stay : stay + 1])
                    print(f"the rules say {ours[stay]}")
                    return 1
                cases += len(ours)
                values += sum(1 for answer in ours if answer.isdigit())
                for defect in DEFECTS:
                    for stay in sorted({0, 1, group.trim or 0, (group.trim or 0) + 1}.intersection(STAYS)):
                        wrong = defect(group, setting, stay)
                        if wrong is not None and str(priced(wrong)) != ours[stay]:
                            found[defect] += 1
                            break
    if sys.stdin.readline():
        print("the program's table goes on after the last group")
        return 1
    silent = [defect.__name__ for defect in DEFECTS if not found[defect]]
    if silent:
        print("defects that would go unnoticed:", *silent)
        return 1
    print(f"{groups} groups, {cases} cases, {values} of them with a price: all agree")
    for defect in DEFECTS:
        print(f"  {defect.__name__}: {found[defect]} groups and settings would differ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
