//! What Gemini CLI is told by its environment of the folder that it works in. It asks nobody where it speaks our protocol: it
//! loads what lies there, unless it is told not to.

mod prompts;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::super::agent::Launch;
use super::super::trust::{self, FolderSettings};

/// What it takes from the `.env` of a folder that is not trusted too, where it has none yet.
const TAKEN: [&str; 4] = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"];

/// Where this is true, it takes the project from an `.env` over whatever it was given.
const CLOUD_SHELL: &str = "CLOUD_SHELL";

/// What makes it log in as it does where that is true.
const AS_IN_CLOUD_SHELL: &str = "GEMINI_CLI_USE_COMPUTE_ADC";

/// The variables that tell it, beside those that it is given anyway, of which `value` knows. Reads files of variables in the home.
pub(super) fn variables(
    launch: &Launch,
    value: impl Fn(&str) -> Option<OsString>,
) -> Vec<(OsString, Option<OsString>)> {
    let is_trusted = match launch.settings {
        FolderSettings::Withheld | FolderSettings::Unread => Some("false"),
        FolderSettings::Trusted => Some("true"),
        FolderSettings::Absent => None,
    };
    let told = is_trusted.map(|is_trusted| ("GEMINI_CLI_TRUST_WORKSPACE", is_trusted));
    let home = trust::home();
    let takes = launch.settings == FolderSettings::Withheld && has_variables(launch, home.as_deref());
    // Empty ones are there, and mean to it that there is none.
    let empty = TAKEN.into_iter().filter(|name| takes && value(name).is_none()).map(|name| (name, ""));
    let is_in_shell = takes && value(CLOUD_SHELL).is_some_and(|value| value == OsStr::new("true"));
    let shell = [(CLOUD_SHELL, ""), (AS_IN_CLOUD_SHELL, "true")].into_iter().filter(|_| is_in_shell);
    // What comes to lie there later would be read, too.
    let is_kept_out = launch.settings != FolderSettings::Trusted;
    let off = prompts::VARIABLES.into_iter().filter(|_| is_kept_out);
    let off = off.filter(|name| prompts::leads_into(&launch.cwd, name, home.as_deref(), &value));
    let off = off.map(|name| (name, prompts::OFF));
    let all = told.into_iter().chain(empty).chain(shell).chain(off);
    all.map(|(name, value)| (name.into(), Some(value.into()))).collect()
}

/// Whether there may be a file of variables in the folder or above it: it takes none from `.gemini` where it trusts nothing. It looks
/// for no other one behind the first, so that nothing of a person's is lost; theirs may be the first one, too.
fn has_variables(Launch { cwd, withheld, .. }: &Launch, home: Option<&Path>) -> bool {
    let is_one = |file: &Path| file.file_name().is_some_and(|name| name == ".env");
    let is_above = |file: &Path| file.parent().is_some_and(|folder| cwd.starts_with(folder));
    let own = home.filter(|home| cwd.starts_with(home) && home.join(".env").exists());
    let is_before = |file: &Path| own.is_none_or(|home| file.starts_with(home));
    !withheld.is_whole || withheld.files.iter().any(|file| is_one(file) && is_above(file) && is_before(file))
}

#[cfg(test)]
mod tests {
    use super::super::super::trust::WithheldFiles;
    use super::*;

    const GIVEN: [(&str, &str); 1] = [("GOOGLE_API_KEY", "own")];

    fn told_with(
        given: &[(&str, &str)],
        settings: FolderSettings,
        file: &str,
        is_whole: bool,
    ) -> Vec<(String, String)> {
        let withheld = WithheldFiles { files: vec![file.into()], is_whole };
        let launch = Launch { cwd: "/outer/project".into(), settings, withheld, ..Launch::default() };
        let text = |text: OsString| text.into_string().unwrap();
        let given = given.iter().chain(&[("HOME", "/nowhere")]);
        let value = |name: &str| given.clone().find(|(given, _)| *given == name).map(|(_, value)| value.into());
        variables(&launch, value).into_iter().map(|(name, value)| (text(name), text(value.unwrap()))).collect()
    }

    fn told(settings: FolderSettings, file: &str, is_whole: bool) -> Vec<(String, String)> {
        told_with(&GIVEN, settings, file, is_whole)
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn variables_of_an_untrusted_folder_are_covered_where_nobody_gives_them() {
        let trust = |is_trusted: &str| pair("GEMINI_CLI_TRUST_WORKSPACE", is_trusted);
        let covered = ["GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"].map(|name| pair(name, ""));
        let all = [vec![trust("false")], covered.to_vec()].concat();
        assert_eq!(told(FolderSettings::Withheld, "/outer/project/.env", true), all);
        assert_eq!(told(FolderSettings::Withheld, "/outer/.env", true), all);
        assert_eq!(told(FolderSettings::Withheld, "/outer/project/.gemini/.env", true), [trust("false")], "not read");
        assert_eq!(told(FolderSettings::Withheld, "/outer/project/.gemini", false), all, "there may be one");
        assert_eq!(told(FolderSettings::Withheld, "/outer/project/.gemini/settings.json", true), [trust("false")]);
        assert_eq!(told(FolderSettings::Unread, "/outer/project/GEMINI.md", true), [trust("false")]);
        assert_eq!(told(FolderSettings::Trusted, "/outer/project/.env", true), [trust("true")]);
        assert_eq!(told(FolderSettings::Absent, "", true), []);
    }

    #[test]
    fn variables_from_above_the_home_are_covered_unless_a_person_has_some_there() {
        let outer = tempfile::tempdir().unwrap();
        let home = outer.path().join("home");
        std::fs::create_dir_all(home.join("project")).unwrap();
        let covers = |cwd: &str, file: &str| {
            let withheld = WithheldFiles { files: vec![outer.path().join(file)], is_whole: true };
            has_variables(&Launch { cwd: outer.path().join(cwd), withheld, ..Launch::default() }, Some(&home))
        };
        for cwd in ["home", "home/project"] {
            assert!(covers(cwd, ".env") && !covers(cwd, ".gemini/.env"), "{cwd}");
        }
        std::fs::write(home.join(".env"), "GEMINI_API_KEY=own").unwrap();
        for cwd in ["home", "home/project"] {
            assert!(!covers(cwd, ".env"), "it looks no further: {cwd}");
        }
        assert!(covers("home/project", "home/project/.env") && covers("elsewhere", ".env"));
    }

    #[test]
    fn an_untrusted_folder_names_no_project_in_a_cloud_shell_whose_login_is_kept() {
        let given = [("CLOUD_SHELL", "true"), ("GOOGLE_CLOUD_PROJECT", "own")];
        let told = |file: &str| told_with(&given, FolderSettings::Withheld, file, true);
        let covered = [pair("CLOUD_SHELL", ""), pair("GEMINI_CLI_USE_COMPUTE_ADC", "true")];
        assert!(told("/outer/.env").ends_with(&covered));
        assert_eq!(told("/outer/project/.gemini/settings.json").len(), 1, "it is left as it is");
        assert_eq!(told_with(&given, FolderSettings::Trusted, "/outer/.env", true).len(), 1);
    }

    #[test]
    fn a_system_prompt_of_the_folder_is_switched_off_until_the_folder_is_trusted() {
        let given = [("GEMINI_SYSTEM_MD", "1"), ("GEMINI_WRITE_SYSTEM_MD", "prompts/system.md")];
        let off = [pair("GEMINI_SYSTEM_MD", "false"), pair("GEMINI_WRITE_SYSTEM_MD", "false")];
        let told = |settings| told_with(&given, settings, "/outer/project/.gemini/system.md", true);
        assert_eq!(told(FolderSettings::Absent), off, "one may come");
        for settings in [FolderSettings::Withheld, FolderSettings::Unread] {
            assert_eq!(told(settings)[1..], off);
        }
        assert_eq!(told(FolderSettings::Trusted).len(), 1);
    }
}
