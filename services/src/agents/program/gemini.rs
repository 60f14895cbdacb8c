//! What Gemini CLI is told by its environment of the folder that it works in. It asks nobody where it speaks our protocol: it
//! loads what lies there, unless it is told not to.

use std::ffi::OsString;
use std::path::Path;

use super::super::agent::Launch;
use super::super::trust::FolderSettings;

/// What it takes from the `.env` of a folder that is not trusted too, where it has none yet.
const TAKEN: [&str; 4] = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"];

/// The variables that tell it, beside those that it is given anyway.
pub(super) fn variables(launch: &Launch, is_given: impl Fn(&str) -> bool) -> Vec<(OsString, Option<OsString>)> {
    let is_trusted = match launch.settings {
        FolderSettings::Withheld | FolderSettings::Unread => "false",
        FolderSettings::Trusted => "true",
        FolderSettings::Absent => return Vec::new(),
    };
    let takes = launch.settings == FolderSettings::Withheld && has_variables(launch);
    // Empty ones are there, and mean to it that there is none.
    let empty = TAKEN.into_iter().filter(|name| takes && !is_given(name)).map(|name| (name, ""));
    let told = [("GEMINI_CLI_TRUST_WORKSPACE", is_trusted)].into_iter().chain(empty);
    told.map(|(name, value)| (name.into(), Some(value.into()))).collect()
}

/// Whether there may be a file of variables in the folder or above it: it takes none from `.gemini` where it trusts nothing. It looks
/// for no other one behind the first, so that nothing of a person's is lost.
fn has_variables(Launch { cwd, withheld, .. }: &Launch) -> bool {
    let is_one = |file: &Path| file.file_name().is_some_and(|name| name == ".env");
    let is_above = |file: &Path| file.parent().is_some_and(|folder| cwd.starts_with(folder));
    !withheld.is_whole || withheld.files.iter().any(|file| is_one(file) && is_above(file))
}

#[cfg(test)]
mod tests {
    use super::super::super::trust::WithheldFiles;
    use super::*;

    fn told(settings: FolderSettings, file: &str, is_whole: bool) -> Vec<(String, String)> {
        let withheld = WithheldFiles { files: vec![file.into()], is_whole };
        let launch = Launch { cwd: "/outer/project".into(), settings, withheld, ..Launch::default() };
        let text = |text: OsString| text.into_string().unwrap();
        let variables = variables(&launch, |name| name == "GOOGLE_API_KEY");
        variables.into_iter().map(|(name, value)| (text(name), text(value.unwrap()))).collect()
    }

    #[test]
    fn variables_of_an_untrusted_folder_are_covered_where_nobody_gives_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
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
}
