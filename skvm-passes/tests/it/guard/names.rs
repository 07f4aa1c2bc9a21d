//! Other names of a program that the source runs, programs behind others, and who is to blame for them.

use skvm_passes::guard::GuardRule;

use super::{Compensation, Substitution, all, insert_before, only, passed, refused, replace, told};
use crate::samples;

fn fenced(code: &str) -> skvm_core::skill::Skill {
    samples::skill(&format!("# Demo\n\nIt runs.\n\n```sh\n{code}\n```\n"))
}

#[test]
fn a_program_may_be_called_by_another_of_its_names() {
    for (one, other) in [("python", "python3"), ("pip", "pip3"), ("node", "nodejs"), ("sh", "bash")]
    {
        for (known, new) in [(one, other), (other, one)] {
            let call = format!("{known} --version");
            let skill = fenced(&call);
            let renamed = replace(&skill, &call, &format!("{new} --version"), Substitution);
            let text = passed(&skill, [renamed]);
            assert!(text.contains(&format!("```sh\n{new} --version\n")));
            // Also where the first name stays.
            let more = insert_before(&skill, &call, &format!("{new} -V\n"), Substitution);
            passed(&skill, [more]);
        }
    }
}

#[test]
fn another_name_of_what_the_source_does_not_run_is_refused() {
    for (known, new) in [
        ("ls", "python3"),
        ("ls", "python"),
        ("ls", "bash"),
        ("ls", "sh"),
        ("ls", "nodejs"),
        ("ls", "pip3"),
        ("python", "pip3"),
        ("pip", "python3"),
        ("node", "python3"),
        ("python", "bash"),
        ("python", "python2"),
        ("python", "python3.11"),
        ("python", "pythonw"),
        ("sh", "dash"),
        ("sh", "zsh"),
        ("bash", "fish"),
        ("node", "deno"),
    ] {
        let call = format!("{known} --version");
        let skill = fenced(&call);
        let renamed = replace(&skill, &call, &format!("{new} --version"), Substitution);
        let error = refused(&skill, [renamed]);
        let found = told(&skill, &error, GuardRule::External);
        let message = format!("program {new:?} is not in the source");
        assert_eq!(found, [(message, String::new(), Some(0))], "{known} to {new}");
    }
    // A name in the text is no program that is run.
    let skill = samples::skill("# Demo\n\nIt is made for python.\n\n```sh\nls -l\n```\n");
    let error = refused(&skill, [replace(&skill, "ls", "python3", Substitution)]);
    only(&skill, &error, GuardRule::External);
}

/// `sudo` is in the source, but not for this.
#[test]
fn a_program_behind_another_is_a_program() {
    for launcher in ["sudo", "sudo -u me", "env A=1", "time", "timeout 9", "nohup", "xargs -n 1"] {
        let skill = fenced(&format!("{launcher} make all"));
        let error = refused(&skill, [replace(&skill, "make", "curl", Substitution)]);
        let (message, _, edit) = only(&skill, &error, GuardRule::External);
        assert_eq!((message.as_str(), edit), ("program \"curl\" is not in the source", Some(0)));
        // What the source runs by itself it may run behind it, and the other way round.
        let skill = fenced(&format!("ls\n{launcher} make all"));
        passed(&skill, [replace(&skill, "make", "ls", Substitution)]);
        passed(&skill, [replace(&skill, "ls", "make", Substitution)]);
    }
    let skill = fenced("sudo python x.py");
    passed(&skill, [replace(&skill, "python", "python3", Substitution)]);
}

/// One bad edit does not take the good ones with it: whoever changed the command is to blame.
#[test]
fn the_blame_is_for_the_edit_of_the_command() {
    for (command, old, new, name) in [
        // A part of a word.
        ("pip install \"good>=1\"", "good", "evil", "package \"evil>=1\""),
        ("pip install --index=x good", "--index", "--evil", "package \"--evil=x\""),
        ("tool --in=/known", "known", "etc", "path \"/etc\""),
        // A word that makes others of the command something else.
        ("python tool.py list --names", "list", "add", "package \"--names\""),
        ("npm start one", "start", "install", "package \"one\""),
    ] {
        let skill = fenced(command);
        let good = insert_before(&skill, "It runs.", "One names it, in order. ", Compensation);
        let bad = replace(&skill, old, new, Substitution);
        let error = refused(&skill, [good.clone(), bad]);
        assert_eq!(error.blamed(all(&skill, [good.clone()]).len() + 1), [1], "{command}: {error}");
        assert!(error.to_string().contains(name), "{command}: {error}");
        passed(&skill, [good]);
    }
}

#[test]
fn of_two_edits_of_a_command_the_one_with_the_name_is_to_blame() {
    let skill = fenced("tool one two");
    let edits = |one: &str, two: &str| {
        [replace(&skill, "one", one, Substitution), replace(&skill, "two", two, Substitution)]
    };
    for (edits, blamed) in [(edits("1", "/etc/x"), 1), (edits("/etc/x", "2"), 0)] {
        let error = refused(&skill, edits);
        assert_eq!(error.blamed(2), [blamed], "{error}");
    }
    passed(&skill, edits("1", "2"));
}

/// A whole block that is put in, and a block whose every line is changed.
#[test]
fn the_blame_is_for_the_edit_that_brings_a_command() {
    let skill = fenced("ls");
    let good = insert_before(&skill, "It runs.", "One says ls. ", Compensation);
    let block = insert_before(&skill, "```sh", "```sh\ncurl -s x\n```\n\n", Compensation);
    let error = refused(&skill, [good, block]);
    assert_eq!(error.blamed(2), [1], "{error}");

    let skill = fenced("ls one\nls two");
    let edits = [
        replace(&skill, "one", "three", Substitution),
        replace(&skill, "ls two", "curl two", Substitution),
    ];
    let error = refused(&skill, edits);
    assert_eq!(error.blamed(2), [1], "{error}");
}
