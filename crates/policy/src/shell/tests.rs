//! What is seen of command lines, and what is said not to be understood.

use super::*;

fn seen(script: &str) -> Vec<String> {
    let shell = read_script(script, Some("/home/ada/code"), None);
    assert_eq!(shell.opaque, None, "{script}");
    shell
        .commands
        .iter()
        .map(|command| format!("{} {}", command.program, command.args.join(" ")).trim().to_owned())
        .collect()
}

fn opaque(script: &str) -> String {
    read_script(script, Some("/w"), None)
        .opaque
        .unwrap_or_else(|| panic!("`{script}` is understood"))
}

#[test]
fn commands_are_found_wherever_they_are() {
    for (script, commands) in [
        ("rm -rf build", &["rm -rf build"][..]),
        ("cd x && rm -rf y; ls", &["cd x", "rm -rf y", "ls"]),
        ("a | b |& c || d & e", &["a", "b", "c", "d", "e"]),
        ("FOO=1 BAR='x y' make all", &["make all"]),
        ("echo $(rm -rf /)", &["rm -rf /", "echo $(…)"]),
        ("echo `rm x`", &["rm x", "echo $(…)"]),
        ("echo \"a $(rm x) b\"", &["rm x", "echo a $(…) b"]),
        ("'r'm -r\"f\" /", &["rm -rf /"]),
        ("/bin/rm -rf x", &["rm -rf x"]),
        ("\\rm x", &["rm x"]),
        ("bash -c 'rm -rf / && ls'", &["bash -c rm -rf / && ls", "rm -rf /", "ls"]),
        ("bash -lc \"rm x\"", &["bash -lc rm x", "rm x"]),
        ("sh -c \"bash -c 'rm x'\"", &["sh -c bash -c 'rm x'", "bash -c rm x", "rm x"]),
        ("sudo -u bob rm x", &["sudo -u bob rm x", "rm x"]),
        (
            "env -i A=b timeout -k 5 10s nice -n 5 rm x",
            &[
                "env -i A=b timeout -k 5 10s nice -n 5 rm x",
                "timeout -k 5 10s nice -n 5 rm x",
                "nice -n 5 rm x",
                "rm x",
            ],
        ),
        (
            "find . -name x | xargs -0 -n 1 rm -f",
            &["find . -name x", "xargs -0 -n 1 rm -f", "rm -f"],
        ),
        (
            "find . -exec rm {} \\; -exec ls {} +",
            &["find . -exec rm {} ; -exec ls {} +", "rm {}", "ls {}"],
        ),
        ("if test -f x; then rm x; else ls; fi", &["test -f x", "rm x", "ls"]),
        ("for f in $(ls); do rm $f; done", &["ls", "rm $f"]),
        ("while read x; do rm $x; done < list", &["read x", "rm $x"]),
        ("case $x in a|b) rm x;; *) ls ;; esac", &["rm x", "ls"]),
        ("(cd /tmp; rm x)", &["cd /tmp", "rm x"]),
        ("{ rm x; }", &["rm x"]),
        ("f() { rm x; }; f", &["rm x", "f"]),
        ("eval 'rm x'", &["eval rm x", "rm x"]),
        ("diff <(rm x) y", &["rm x", "diff <(…) y"]),
        ("bash <<'E'\nrm x\nE\nls", &["bash", "rm x", "ls"]),
        ("bash <<< 'rm x'", &["bash", "rm x"]),
        ("cat <<E\n$(rm x)\nE", &["rm x", "cat"]),
        ("cat <<'E'\n$(rm x)\nE", &["cat"]),
        ("ls # rm x", &["ls"]),
        ("echo a\\\n b", &["echo a b"]),
        ("uv run --with x rm y", &["uv run --with x rm y", "x rm y"]),
        ("trap 'rm x' EXIT", &["trap rm x EXIT", "rm x"]),
        ("echo 'it''s' \"a\\\"b\" $'x\\ty'", &["echo its a\"b x\ty"]),
        ("a 2>&1 >/dev/null", &["a"]),
        ("! grep x y", &["grep x y"]),
    ] {
        assert_eq!(seen(script), commands, "{script}");
    }
}

#[test]
fn what_is_known_only_when_it_runs_is_opaque() {
    for script in [
        "$CMD x",
        "$(which rm) x",
        "eval \"$X\"",
        "bash -c \"$(curl x)\"",
        "sh -c \"$SCRIPT\"",
        "'open",
        "\"open",
        "(ls",
        "fi",
        "a $(b",
        "`a",
        "x=(1 2)",
        "GIT_SSH_COMMAND=x git fetch",
        "LD_PRELOAD=x ls",
        "$'\\x72m' x",
        "r? x",
        "echo $((`rm x`))",
        "echo ${x:-$(rm x)}",
        "a >",
    ] {
        opaque(script);
    }
    opaque(&"(".repeat(2000));
    opaque(&"a;".repeat(1000));
    opaque(&"x".repeat(SCRIPT_BYTES_MAX + 1));
    let nested =
        (0..20).fold("rm x".to_owned(), |script, _| format!("eval {}", script.replace(' ', "\\ ")));
    let _ = read_script(&nested, None, None);
}

#[test]
fn a_pipe_tells_who_feeds_whom() {
    let shell = read_script("curl x | tee y | bash; cat z | (grep a; sh)", Some("/w"), None);
    let fed = |program: &str| {
        shell
            .commands
            .iter()
            .find(|command| command.program == program)
            .map(|command| command.piped_from.clone())
    };
    assert_eq!(fed("bash").unwrap(), ["curl", "tee"]);
    assert_eq!(fed("sh").unwrap(), ["cat"]);
    assert_eq!(fed("cat").unwrap(), [] as [&str; 0]);
    let grouped = read_script("{ curl x; } | sh", None, None);
    assert_eq!(grouped.commands[1].piped_from, ["curl"]);
}

#[test]
fn paths_follow_the_directory_that_a_script_changes_to() {
    let shell = read_script(
        "cd ../x && rm -rf a ~/b > log; (cd /tmp; rm c); rm d; cd $X; rm e",
        Some("/home/ada/w"),
        None,
    );
    let rms: Vec<&Vec<String>> = shell
        .commands
        .iter()
        .filter(|command| command.program == "rm")
        .map(|command| &command.paths)
        .collect();
    assert_eq!(rms[0], &["/home/ada/x/a", "/home/ada/b"]);
    assert_eq!(rms[1], &["/tmp/c"]);
    assert_eq!(rms[2], &["/home/ada/x/d"]);
    assert_eq!(rms[3], &["?/e"]);
    let log = shell.commands.iter().flat_map(|command| &command.writes).collect::<Vec<_>>();
    assert_eq!(log, ["/home/ada/x/log"]);
}

#[test]
fn program_texts_are_found() {
    let code = |script: &str| {
        read_script(script, None, None).commands.iter().find_map(|command| command.code.clone())
    };
    assert_eq!(code("python3 -c 'import os'").as_deref(), Some("import os"));
    assert_eq!(code("python - <<'E'\nprint(1)\nE").as_deref(), Some("print(1)\n"));
    assert_eq!(code("node -e 'x()'").as_deref(), Some("x()"));
    assert_eq!(code("perl -ne 'print'").as_deref(), Some("print"));
    assert_eq!(code("python script.py"), None);
    assert_eq!(code("grep -c x y"), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(script in "[ a-z'\"$(){}`;&|<>\\\\\n=/~#!*?0-9-]{0,60}") {
        let _ = read_script(&script, Some("/w"), None);
    }
}
