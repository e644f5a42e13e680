use super::*;
use expect_test::expect;
use jiff::civil::Date;
use proptest::prelude::*;
use std::sync::Arc;

fn shipped(kind: Kind) -> Arc<Mapping> {
    Arc::new(Mapping::shipped(kind).unwrap_or_else(|error| panic!("{kind:?}: {error}")))
}

fn sender(code: &str) -> Choices {
    Choices { provider: Some(code.parse().unwrap()), ..Choices::default() }
}

fn read(kind: Kind, bytes: &[u8], choices: &Choices) -> Result<(Understood, Vec<Row>), Unusable> {
    let understood = examine(bytes, &shipped(kind), choices)?;
    let rows = understood.plan.rows(bytes)?.collect::<Result<Vec<_>, _>>()?;
    Ok((understood, rows))
}

const SLAM: &str = "Local Ref,Provider,Site,Commissioner,GP Practice,NHS Number,TFC,POD,Spell Number,Attendance ID,\
    Activity Date,Discharge Date,Total Cost,HRG,First Att,Attended,Adm Method,Pat Class,Admin Category,Consultant\n\
    r1,NV300,NV323,10M00,K81017,9434765919,502,OPFUP,,A77,20/06/2017,20/06/2017,82.7826,,R,5,,,1,C1\n\
    r2,NV300,NV323,10M00,K81017,9434765919,110,DAYCASE,S12,,21/06/2017,21/06/2017,\"£1,205.03\",HN45A,,,11,2,NHS,C2\n";

fn slam(from: &str, to: &str) -> Vec<u8> {
    let text = SLAM.replacen(from, to, 1);
    assert_ne!(text, SLAM, "{from}");
    text.into_bytes()
}

#[test]
fn every_shipped_mapping_is_one() {
    for kind in Kind::ALL {
        let mapping = shipped(*kind);
        assert_eq!(mapping.contents == Contents::Sus, *kind == Kind::Sus);
        let of_referrals = matches!(kind, Kind::Referrals | Kind::Ers | Kind::Triage);
        assert_eq!(mapping.contents == Contents::Referrals, of_referrals);
        assert!(!mapping.description.is_empty());
    }
}

#[test]
fn a_local_file_becomes_fields() {
    let (understood, rows) = read(Kind::Slam, SLAM.as_bytes(), &sender("NV3")).unwrap();
    let mut table = String::new();
    for row in &rows {
        table.push_str(&format!("{} line {} {}\n", row.number, row.line, row.reference()));
        for field in Field::ALL.iter().filter(|field| !row.text(**field).is_empty()) {
            table.push_str(&format!("  {field} {}\n", row.text(*field)));
        }
        table.push_str(&format!("  = {:?}, {:?}\n", row.date(Field::StartDate), row.claimed_pence()));
    }
    expect![[r#"
        1 line 2 r1
          cds_identifier BNV300AA77
          reference r1
          nhs_number 9434765919
          provider NV300
          site NV323
          practice K81017
          commissioner 10M00
          treatment_function 502
          point_of_delivery OPFUPSPCL
          start_date 20/06/2017
          claimed 82.7826
          first_attendance 2
          attended 5
          administrative_category 01
          local_identifier A77
          = Good(2017-06-20), Good(8278)
        2 line 3 r2
          cds_identifier BNV300SS12
          reference r2
          nhs_number 9434765919
          provider NV300
          site NV323
          practice K81017
          commissioner 10M00
          treatment_function 110
          point_of_delivery DC
          start_date 21/06/2017
          end_date 21/06/2017
          claimed £1,205.03
          hrg HN45A
          admission_method 11
          patient_classification 2
          administrative_category 01
          local_identifier S12
          = Good(2017-06-21), Good(120503)
    "#]]
    .assert_eq(&table);
    let dates = understood.dates.unwrap();
    assert_eq!(
        (dates.way, dates.recognised, dates.example.as_str()),
        (Dates::DayMonthYear, true, "20/06/2017")
    );
    assert_eq!(understood.ignored, ["Consultant"]);
    assert_eq!((understood.rows, understood.rounded, understood.bad_amounts), (2, 1, 0));
    assert_eq!(understood.plan.delimiter(), Delimiter::Comma);
    assert_eq!(understood.commissioners.into_iter().collect::<Vec<_>>(), [("10M".to_owned(), 2)]);
}

#[test]
fn encodings_and_delimiters_are_recognised() {
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(SLAM.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> =
        [0xFE, 0xFF].into_iter().chain(SLAM.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let marked: Vec<u8> = [0xEF, 0xBB, 0xBF].into_iter().chain(SLAM.bytes()).collect();
    let tabs = SLAM.replace("\"£1,205.03\"", "1205.03").replace(',', "\t");
    let pipes = tabs.replace('\t', "|");
    let crlf = SLAM.replace('\n', "\r\n");
    let plain = read(Kind::Slam, SLAM.as_bytes(), &sender("NV3")).unwrap().1;
    for bytes in [utf16, big, marked, crlf.into_bytes()] {
        let (understood, rows) = read(Kind::Slam, &bytes, &sender("NV3")).unwrap();
        assert_eq!(rows, plain, "{:?}", understood.plan);
    }
    for (text, delimiter) in [(tabs, Delimiter::Tab), (pipes, Delimiter::Pipe)] {
        let (understood, rows) = read(Kind::Slam, text.as_bytes(), &sender("NV3")).unwrap();
        assert_eq!((understood.plan.delimiter(), rows.len()), (delimiter, 2));
        assert_eq!(rows[1].claimed_pence(), Value::Good(1_205_03));
    }
    let windows: Vec<u8> =
        SLAM.chars().map(|c| if c == '£' { 0xA3 } else { u8::try_from(c).unwrap() }).collect();
    let choices = Choices { encoding: Some(Encoding::Windows1252), ..sender("NV3") };
    assert_eq!(read(Kind::Slam, &windows, &choices).unwrap().1, plain);
}

#[test]
fn a_file_that_cannot_be_used_says_where_and_what_to_do() {
    let header = SLAM.lines().next().unwrap();
    let long = format!("C{}", "x".repeat(1_000_000));
    let endless = format!("\"{}", "x".repeat(9_000_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("a mark only", vec![0xEF, 0xBB, 0xBF]),
        ("a header only", header.as_bytes().to_vec()),
        ("blank rows only", format!("{header}\n,,,\n,,\n").into_bytes()),
        ("a workbook", b"PK\x03\x04\x14\x00\x06\x00".to_vec()),
        ("UTF-16 without its mark", SLAM.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("Windows-1252", SLAM.bytes().filter(|b| *b != 0xC2).collect()),
        ("not UTF-16", [0xFF, 0xFE, 0x00, 0xD8, 0x41, 0x00].to_vec()),
        ("another file", b"name,amount\na,1\n".to_vec()),
        ("a title above the header", format!("SLAM June 2017,,\n{SLAM}").into_bytes()),
        ("missing columns", slam(",TFC,", ",Function,")),
        ("no identifier at all", SLAM.replace("Spell Number,Attendance ID", "A,B").into_bytes()),
        ("doubled column", slam("Consultant", "nhs no")),
        ("a million characters", slam("C1", &long)),
        ("a row without end", slam("C1", &endless)),
        ("a quotation mark not closed", slam(",K81017,", ",\"K81017,")),
        ("an unquoted comma", slam("\"£1,205.03\"", "1,205.03")),
        ("another provider", slam("r2,NV300", "r2,RHW00")),
        ("day or month", SLAM.replace("20/06", "02/06").replace("21/06", "03/06").into_bytes()),
        ("both ways round", slam("21/06/2017,21/06/2017", "06/21/2017,06/21/2017")),
        ("two digits", SLAM.replace("06/2017", "06/17").into_bytes()),
    ];
    let mut table = String::new();
    for (name, bytes) in cases {
        let answer = match read(Kind::Slam, &bytes, &sender("NV3")) {
            Ok((understood, rows)) => format!("USED {:?} {rows:?}", understood.dates),
            Err(error) => error.to_string(),
        };
        table.push_str(&format!("{name}: {answer}\n"));
    }
    let contradicted = Choices { encoding: Some(Encoding::Windows1252), ..sender("NV3") };
    let marked: Vec<u8> = [0xEF, 0xBB, 0xBF].into_iter().chain(SLAM.bytes()).collect();
    let error = read(Kind::Slam, &marked, &contradicted).unwrap_err();
    table.push_str(&format!("another encoding than the mark's: {error}\n"));
    let native = "cds_identifier,nhs_number,site,practice,commissioner,treatment_function,point_of_delivery,start_date,\
        claimed_pence\n";
    for (name, text) in [
        ("unknown column", format!("{}x,surname\n", native.trim_end().to_owned() + ",").replace(",x,", ",")),
        ("identifiers of another", format!("{native}BRHW000000000001,,,,,,,,\n")),
    ] {
        let error = read(Kind::Native, text.as_bytes(), &sender("NV3")).unwrap_err();
        table.push_str(&format!("{name}: {error}\n"));
    }
    expect![[r#"
        empty: it is empty
        a mark only: it is empty
        a header only: it has a header and no rows
        blank rows only: it has a header and no rows
        a workbook: it holds zero bytes within its first lines: it is a workbook or another binary file, or UTF-16 without its mark: then pass --encoding utf-16
        UTF-16 without its mark: it holds zero bytes within its first lines: it is a workbook or another binary file, or UTF-16 without its mark: then pass --encoding utf-16
        Windows-1252: row 2 (line 3 of the file), column 13 (Total Cost): byte A3 is no utf-8. Saved by Excel as CSV the file is probably windows-1252, where the byte is '£': if that is right, pass --encoding windows-1252
        not UTF-16: it is not utf-16, at about byte 4
        another file: row 1 has none of the columns of the mapping slam, such as CDS Unique ID
        a title above the header: row 1 has none of the columns of the mapping slam, such as CDS Unique ID. The header seems to be row 2: pass --header-row 2
        missing columns: its header, line 1, lacks Treatment Function (for treatment_function)
        no identifier at all: its header, line 1, lacks Attendance ID (for cds_identifier); CDS Unique ID (for cds_identifier); Spell Number (for cds_identifier)
        doubled column: its header, line 1, has NHS Number twice, in columns 6 and 20: which one is meant cannot be told
        a million characters: row 1 (line 2 of the file), column 20 (Consultant): a value of 1000001 characters, where 1000 are the most: a quotation mark may not be closed
        a row without end: row 1 (line 2 of the file) is longer than 4194304 bytes: a quotation mark may not be closed
        a quotation mark not closed: row 1 (line 2 of the file), column 5 (GP Practice): the value goes on in the next line: a quotation mark is not closed
        an unquoted comma: row 2 (line 3 of the file) has 21 values under 20 columns: a value with the delimiter in it must stand between quotation marks
        another provider: row 2 (line 3 of the file), column 2 (Provider): it is a file of provider RHW, and NV3 sends it
        day or month: row 1 (line 2 of the file), column 11 (Activity Date): 02/06/2017 may be day and month or month and day, and no date of the file settles it (3 like it): pass --dates day-month-year or --dates month-day-year
        both ways round: its dates are written in two ways: 20/06/2017 in row 1 (line 2 of the file), column 11 (Activity Date) is day-month-year, 06/21/2017 in row 2 (line 3 of the file), column 11 (Activity Date) is month-day-year. A spreadsheet may have turned some round: correct the file, or pass --dates, and the others are answered unreadable
        two digits: row 1 (line 2 of the file), column 11 (Activity Date): 20/06/17 is not written as any date that is known: years have four digits, as in 12/06/2017
        another encoding than the mark's: it begins with the mark of utf-8, and windows-1252 was said
        unknown column: line 1 (the header), column 10 (surname): the mapping native knows no such column
        identifiers of another: row 1 (line 2 of the file), column 1 (cds_identifier): it is a file of provider RHW, and NV3 sends it
    "#]].assert_eq(&table);
}

#[test]
fn what_is_wrong_in_a_row_costs_that_row_only() {
    let text = SLAM
        .replacen("21/06/2017,21/06/2017", "31/02/2017,yesterday", 1)
        .replacen("82.7826", "eighty", 1)
        .replacen("9434765919", "", 1)
        + ",,,\nr3\n";
    let (understood, rows) = read(Kind::Slam, text.as_bytes(), &sender("NV3")).unwrap();
    assert_eq!(
        (rows.len(), understood.blank_rows, understood.bad_dates, understood.bad_amounts),
        (3, 1, 2, 1)
    );
    assert_eq!((rows[0].claimed_pence(), rows[0].text(Field::NhsNumber)), (Value::Bad, ""));
    assert_eq!((rows[1].date(Field::StartDate), rows[1].date(Field::EndDate)), (Value::Bad, Value::Bad));
    assert_eq!((rows[2].line, rows[2].claimed_pence()), (5, Value::Blank));
}

#[test]
fn what_is_said_goes_before_what_would_be_recognised() {
    let text = SLAM.replace("20/06", "02/06").replace("21/06", "03/06");
    let choices = Choices { dates: Some(Dates::MonthDayYear), ..sender("NV3") };
    let (understood, rows) = read(Kind::Slam, text.as_bytes(), &choices).unwrap();
    assert_eq!(rows[0].date(Field::StartDate), Value::Good(Date::constant(2017, 2, 6)));
    assert!(!understood.dates.unwrap().recognised);
    let titled = format!("SLAM June 2017,,\n{SLAM}");
    let choices = Choices { header_row: Some(2), ..sender("NV3") };
    assert_eq!(read(Kind::Slam, titled.as_bytes(), &choices).unwrap().1[0].line, 3);
}

#[test]
fn a_mapping_that_does_not_go_together_says_everything() {
    let column = |rest: &str| format!("name='x'\ncontents='sus'\ncolumn=[{rest}]");
    let cases = [
        "name = 'x'".to_owned(),
        "name = 'x'\ncontents = 'activity'\ncolumns = []".to_owned(),
        column("{heading='a',field='surname'}"),
        column("{heading='a',field='provider',colour='red'}"),
        column(
            "{heading='A b',field='provider'},{heading='a_B',field='provider'},{heading='-',field='claimed'}",
        ),
        column(
            "{heading='a',field='start_date',unit='pence',prefix='x'},{heading='p',field='site',prefix='{site}'}",
        ),
        "header_row=0\n".to_owned()
            + &column(
                "{heading='a',field='provider'},{heading='b',field='commissioner'},{heading='c',field='claimed',unit='pence',decimals='nearest-penny'}",
            )
            + "\n[constants]\nprovider='RHW'\nstart_date='2017-06-12'",
    ];
    let table: String =
        cases.iter().map(|case| format!("{}\n\n", Mapping::parse(case).unwrap_err())).collect();
    expect![[r#"
        TOML parse error at line 1, column 1
          |
        1 | name = 'x'
          | ^
        missing field `contents`


        TOML parse error at line 3, column 1
          |
        3 | columns = []
          | ^^^^^^^
        unknown field `columns`, expected one of `name`, `description`, `contents`, `header_row`, `delimiter`, `encoding`, `dates`, `other_columns`, `constants`, `column`


        TOML parse error at line 3, column 28
          |
        3 | column=[{heading='a',field='surname'}]
          |                            ^^^^^^^^^
        unknown variant `surname`, expected one of `cds_identifier`, `reference`, `nhs_number`, `pseudonym`, `provider`, `site`, `practice`, `commissioner`, `treatment_function`, `point_of_delivery`, `start_date`, `end_date`, `claimed`, `hrg`, `first_attendance`, `attended`, `admission_method`, `patient_classification`, `ubrn`, `pathway`, `administrative_category`, `excluded_days`, `local_identifier`, `market_forces_factor`, `financial_year`, `financial_month`, `referred_on`, `source`, `offered`, `no_choice_reason`, `clock_start_date`, `residence`, `overseas_visitor`


        TOML parse error at line 3, column 39
          |
        3 | column=[{heading='a',field='provider',colour='red'}]
          |                                       ^^^^^^
        unknown field `colour`, expected one of `heading`, `also`, `field`, `optional`, `only`, `unit`, `decimals`, `prefix`, `codes`


        a_B and A b have a heading in common, and both are provider
        "-": a heading needs a letter or a digit
        -: say unit = "pounds" or unit = "pence"
        no column and no constant is commissioner, which every row needs
        no column and no constant is point_of_delivery, which every row needs
        no column and no constant is start_date, which every row needs

        a: start_date is no amount and has no unit
        a: start_date takes neither prefix nor codes
        p: a prefix knows {provider} only
        no column and no constant is commissioner, which every row needs
        no column and no constant is point_of_delivery, which every row needs
        no column and no constant is claimed, which every row needs

        header_row is 1 to 100
        a: provider has a constant already
        c: only pounds have decimals
        start_date cannot be the same in every row
        no column and no constant is point_of_delivery, which every row needs

    "#]].assert_eq(&table);
}

/// Rows of a file, however it is cut into reads.
struct Dribble<'a>(&'a [u8], usize);

impl std::io::Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(Kind::ALL)
}

fn anything_said() -> impl Strategy<Value = Choices> {
    let encodings = [None, Some(Encoding::Utf8), Some(Encoding::Windows1252), Some(Encoding::Utf16)];
    let dates = [None, Some(Dates::DayMonthYear), Some(Dates::Compact), Some(Dates::DayNameYear)];
    (proptest::sample::select(encodings.to_vec()), proptest::sample::select(dates.to_vec()), 0..4_u32)
        .prop_map(|(encoding, dates, row)| Choices {
            encoding,
            dates,
            header_row: (row > 0).then_some(row),
            ..sender("NV3")
        })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in kinds(), bytes: Vec<u8>, choices in anything_said()) {
        let _ = read(kind, &bytes, &choices);
    }

    #[test]
    fn no_damage_makes_it_panic_or_lose_rows(
        at in 0..SLAM.len(), to: u8, cut in 0..SLAM.len(), choices in anything_said(), mend: bool,
    ) {
        let mut bytes = SLAM.as_bytes().to_vec();
        bytes[at] = to;
        if !mend {
            bytes.truncate(cut);
        }
        if let Ok((understood, rows)) = read(Kind::Slam, &bytes, &choices) {
            prop_assert_eq!(u64::try_from(rows.len()).unwrap(), understood.rows);
            prop_assert!(rows.iter().zip(1..).all(|(row, number)| row.number == number));
        }
    }

    #[test]
    fn a_file_reads_the_same_in_any_pieces(piece in 1..40_usize, wide: bool) {
        let text = if wide {
            [0xFF, 0xFE].into_iter().chain(SLAM.encode_utf16().flat_map(u16::to_le_bytes)).collect()
        } else {
            SLAM.as_bytes().to_vec()
        };
        let (understood, rows) = read(Kind::Slam, &text, &sender("NV3")).unwrap();
        let dribbled = examine(Dribble(&text, piece), &shipped(Kind::Slam), &sender("NV3")).unwrap();
        prop_assert_eq!(dribbled.rows, understood.rows);
        let again: Vec<_> = dribbled.plan.rows(Dribble(&text, piece)).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(again, rows);
    }

    #[test]
    fn every_date_is_read_back(days in 0..40_000_i32, way in proptest::sample::select(Dates::ALL)) {
        let date = Date::constant(1950, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        let (y, m, d) = (date.year(), date.month(), date.day());
        let text = match way {
            Dates::YearMonthDay => format!("{y:04}-{m:02}-{d:02}"),
            Dates::DayMonthYear => format!("{d:02}/{m:02}/{y:04}"),
            Dates::MonthDayYear => format!("{m}/{d}/{y:04} 00:00:00"),
            Dates::DayNameYear => date.strftime("%d-%b-%Y").to_string(),
            Dates::Compact => format!("{y:04}{m:02}{d:02}"),
        };
        prop_assert_eq!(way.read(&text), Value::Good(date));
    }
}
