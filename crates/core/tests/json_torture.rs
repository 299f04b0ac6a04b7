//! JSON at its edges: our own cases for every refusal and limit, and the JSONTestSuite where its
//! files are at hand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

use std::path::Path;

use annals_core::json::{Json, JsonError, JsonLimits, compact, compact_object};

fn compacted(input: &[u8], limits: &JsonLimits) -> Result<String, JsonError> {
    let mut out = Vec::from(b"before");
    let result = compact(input, &mut out, limits);
    let text = String::from_utf8(out).unwrap();
    let after = text.strip_prefix("before").expect("what was there stays");
    if result.is_err() {
        assert_eq!(after, "", "a refusal leaves nothing behind");
    }
    result.map(|()| after.to_owned())
}

fn accept(input: &str, output: &str) {
    assert_eq!(compacted(input.as_bytes(), &JsonLimits::EVENT).as_deref(), Ok(output), "{input}");
}

fn refuse(input: impl AsRef<[u8]>, error: JsonError) {
    let shown = String::from_utf8_lossy(input.as_ref()).into_owned();
    assert_eq!(compacted(input.as_ref(), &JsonLimits::EVENT), Err(error), "{shown}");
}

fn refuse_syntax(input: &str, offset: usize) {
    match compacted(input.as_bytes(), &JsonLimits::EVENT) {
        Err(JsonError::Syntax { offset: at, .. }) => assert_eq!(at, offset, "{input}"),
        other => panic!("{input}: {other:?}"),
    }
}

#[test]
fn keeps_every_token_as_it_was_written() {
    accept(
        " \t\r\n{ \"b\" : 1.50e+03 , \"a\" : [ true , false , null ] } \n",
        r#"{"b":1.50e+03,"a":[true,false,null]}"#,
    );
    accept(r#""\u0041\/A\ud83d\ude00 \u0000 x""#, r#""\u0041\/A\ud83d\ude00 \u0000 x""#);
    accept("123456789012345678901234567890.000", "123456789012345678901234567890.000");
    accept(r#"[-0, 0E-0, 1e999, "  a  b  "]"#, r#"[-0,0E-0,1e999,"  a  b  "]"#);
    accept(r#"{"":{"":[]}}"#, r#"{"":{"":[]}}"#);
    accept("\"é€😀\u{7f}\u{2028}\"", "\"é€😀\u{7f}\u{2028}\"");
}

#[test]
fn refuses_what_is_not_one_json_value() {
    refuse("", JsonError::Empty);
    refuse(" \n", JsonError::Empty);
    refuse("1 2", JsonError::TrailingData { offset: 2 });
    refuse("01", JsonError::TrailingData { offset: 1 });
    refuse(b"\"\xff\"", JsonError::Utf8 { offset: 1 });
    refuse(b"\"\xed\xa0\x80\"", JsonError::Utf8 { offset: 1 });
    refuse(
        "\u{feff}{}",
        JsonError::Syntax { offset: 0, expected: "a value, not a byte order mark" },
    );
    for (input, offset) in [
        ("{", 1),
        ("[", 1),
        ("[1,]", 3),
        ("[,1]", 1),
        ("{\"a\":1,}", 7),
        ("{\"a\" 1}", 5),
        ("{a:1}", 1),
        ("{\"a\":}", 5),
        ("]", 0),
        ("[1}", 2),
        ("{\"a\":1]", 6),
        ("tru", 0),
        ("nulL", 0),
        ("NaN", 0),
        ("-", 1),
        ("1.", 2),
        (".5", 0),
        ("1e", 2),
        ("1e+", 3),
        ("+1", 0),
        ("[01]", 2),
        ("'a'", 0),
        ("\"a", 2),
        ("\"\\x\"", 2),
        ("\"\\u12g4\"", 5),
        ("\"\n\"", 1),
        ("\"\0\"", 1),
        ("\"\\", 2),
        ("[1]]", 3),
        ("/**/1", 0),
        ("\u{a0}1", 0),
    ] {
        if input == "[1]]" {
            refuse(input, JsonError::TrailingData { offset });
        } else {
            refuse_syntax(input, offset);
        }
    }
}

#[test]
fn refuses_a_duplicate_key_however_it_is_spelled() {
    let duplicate = |key: &str, offset| JsonError::DuplicateKey { key: key.to_owned(), offset };
    refuse(r#"{"a":1,"a":1}"#, duplicate("a", 7));
    refuse(r#"{"a":1, "\u0061":2}"#, duplicate("a", 8));
    refuse(r#"{"\u0061":1,"b":2,"a":3}"#, duplicate("a", 18));
    refuse(r#"[{"x":{"":1,"":2}}]"#, duplicate("", 12));
    refuse(r#"{"\ud83d\ude00":1,"😀":2}"#, duplicate("😀", 18));
    refuse(r#"{"b":0,"a\n":1,"b":2,"a\u000a":3,"a\u000A":4}"#, duplicate("b", 15));
    accept(r#"{"a":{"a":{"a":1}},"A":1,"ä":1}"#, r#"{"a":{"a":{"a":1}},"A":1,"ä":1}"#);
    accept(r#"[{"a":1},{"a":1}]"#, r#"[{"a":1},{"a":1}]"#);
}

#[test]
fn finds_a_duplicate_among_any_number_of_keys() {
    for count in [1, 2, 15, 16, 17, 18, 40, 1000] {
        let members: Vec<String> =
            (0..count).map(|index| format!("\"k{index}\":{index}")).collect();
        let unique = format!("{{{}}}", members.join(","));
        accept(&unique, &unique);
        for repeated in [0, count / 2, count - 1] {
            let input = format!("{{{},\"k{repeated}\":0}}", members.join(","));
            let offset = unique.len();
            refuse(&input, JsonError::DuplicateKey { key: format!("k{repeated}"), offset });
        }
    }
}

#[test]
fn a_long_duplicate_key_is_cut_in_the_error() {
    let key = "é".repeat(500);
    let input = format!(r#"{{"{key}":1,"{key}":2}}"#);
    let Err(JsonError::DuplicateKey { key: shown, .. }) =
        compacted(input.as_bytes(), &JsonLimits::EVENT)
    else {
        panic!("accepted");
    };
    assert_eq!(shown, format!("{}…", "é".repeat(128)));
}

#[test]
fn refuses_half_a_surrogate_pair() {
    let unpaired = |offset| JsonError::UnpairedSurrogate { offset };
    refuse(r#""\ud800""#, unpaired(1));
    refuse(r#""\udc00""#, unpaired(1));
    refuse(r#""a\uDBFFz""#, unpaired(2));
    refuse(r#""\ud800\ud800\udc00""#, unpaired(1));
    refuse(r#""\ud800\n""#, unpaired(1));
    refuse(r#""\ud83d\ude00\ude00""#, unpaired(13));
    refuse(r#"{"\udead":1}"#, unpaired(2));
    refuse_syntax(r#""\ud800\u""#, 9);
    accept(r#""\ud7ff\ue000\uD83D\uDE00""#, r#""\ud7ff\ue000\uD83D\uDE00""#);
}

#[test]
fn grammar_faults_win_over_faults_of_one_element() {
    refuse_syntax(r#"{"a":1,"a":2,}"#, 13);
    refuse_syntax(r#"["\ud800" 1]"#, 10);
    let deep = "[".repeat(100_000);
    refuse_syntax(&deep, deep.len());
}

#[test]
fn holds_depth_to_the_limit_exactly() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    accept(&nested(128), &nested(128));
    refuse(nested(129), JsonError::TooDeep { depth_max: 128 });
    refuse(nested(1_000_000), JsonError::TooDeep { depth_max: 128 });
    let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    accept(&objects(128), &objects(128));
    refuse(objects(129), JsonError::TooDeep { depth_max: 128 });
    refuse(objects(200_000), JsonError::TooDeep { depth_max: 128 });
    let wide = format!("[{}]", vec![nested(127); 50].join(","));
    accept(&wide, &wide);
}

#[test]
fn holds_the_number_of_values_to_the_limit_exactly() {
    let ones = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    accept(&ones(99_999), &ones(99_999));
    refuse(ones(100_000), JsonError::TooManyNodes { node_count_max: 100_000 });
    let limits = JsonLimits { depth_max: 2, node_count_max: 3 };
    assert!(compacted(br#"{"a":[],"b":{}}"#, &limits).is_ok());
    let refused = compacted(br#"{"a":[1],"b":{}}"#, &limits);
    assert_eq!(refused, Err(JsonError::TooManyNodes { node_count_max: 3 }));
}

#[test]
fn an_object_says_where_its_members_are() {
    let mut out = String::from("xx");
    let input = br#"  { "type" : "a" , "data":{ "b" : [ 1 ] }, "e\n" :null } "#;
    let members = compact_object(input, &mut out, &JsonLimits::EVENT).unwrap();
    let shown: Vec<_> =
        members.iter().map(|m| (&out[m.key.clone()], &out[m.value.clone()])).collect();
    assert_eq!(shown, [("type", "\"a\""), ("data", r#"{"b":[1]}"#), (r"e\n", "null")]);
    assert_eq!(&out[2..], r#"{"type":"a","data":{"b":[1]},"e\n":null}"#);
    let refused = compact_object(b" [1]", &mut out, &JsonLimits::EVENT);
    assert_eq!(refused, Err(JsonError::Syntax { offset: 1, expected: "an object" }));
    assert_eq!(compact_object(b"{}", &mut String::new(), &JsonLimits::EVENT), Ok(Vec::new()));
}

#[test]
fn json_is_its_compact_text() {
    let json = Json::parse(b" [ 1.0 ] ").unwrap();
    assert_eq!(json.as_str(), "[1.0]");
    assert_eq!(json.to_string(), "[1.0]");
    assert_eq!(Json::parse(b"[1.0]"), Ok(json));
}

/// Drops whitespace outside strings, the slow and obvious way.
fn without_whitespace(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |character: &char| {
        let keep = in_string || !" \n\r\t".contains(*character);
        let toggles = *character == '"' && !escaped;
        escaped = in_string && !escaped && *character == '\\';
        in_string ^= toggles;
        keep
    };
    text.chars().filter(keep).collect()
}

#[test]
fn agrees_with_the_json_test_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/json-torture/nst+JSONTestSuite/test_parsing");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not here", folder.display());
        return;
    };
    let mut file_count = 0;
    let mut refused_by_name = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let input = std::fs::read(&path).unwrap();
        let ours = compacted(&input, &JsonLimits::EVENT);
        file_count += 1;
        match (name.as_bytes()[0], ours) {
            (b'y', Ok(text)) => {
                assert_eq!(text, without_whitespace(str::from_utf8(&input).unwrap()), "{name}")
            }
            (b'y', Err(JsonError::DuplicateKey { .. } | JsonError::UnpairedSurrogate { .. })) => {
                refused_by_name.push(name);
            }
            (b'y', Err(error)) => panic!("{name}: {error}"),
            (b'n', Ok(text)) => panic!("{name}: accepted as {text}"),
            _ => {}
        }
    }
    refused_by_name.sort();
    assert!(file_count > 100, "only {file_count} files");
    let duplicates = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];
    assert_eq!(refused_by_name, duplicates);
}
