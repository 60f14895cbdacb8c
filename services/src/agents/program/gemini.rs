//! What Gemini CLI is told by its environment of the folder that it works in. It asks nobody where it speaks our protocol: it
//! loads what lies there, unless it is told not to.

use std::ffi::OsString;
use std::path::Path;

use super::super::agent::Launch;
use super::super::trust::{FolderSettings, WithheldFiles};

/// What it takes from the `.env` of a folder that is not trusted too, where it has none yet.
const TAKEN: [&str; 4] = ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"];

/// The variables that tell it, beside those that it is given anyway.
pub(super) fn variables(launch: &Launch, is_given: impl Fn(&str) -> bool) -> Vec<(OsString, Option<OsString>)> {
    let is_trusted = match launch.settings {
        FolderSettings::Withheld | FolderSettings::Unread => "false",
        FolderSettings::Trusted => "true",
        FolderSettings::Absent => return Vec::new(),
    };
    let takes = launch.settings == FolderSettings::Withheld && has_variables(&launch.withheld);
    // Empty ones are there, and mean to it that there is none.
    let empty = TAKEN.into_iter().filter(|name| takes && !is_given(name)).map(|name| (name, ""));
    let told = [("GEMINI_CLI_TRUST_WORKSPACE", is_trusted)].into_iter().chain(empty);
    told.map(|(name, value)| (name.into(), Some(value.into()))).collect()
}

/// Whether there may be a file of variables. It looks for no other one behind the first, so that nothing of a person's is lost.
fn has_variables(withheld: &WithheldFiles) -> bool {
    let is_one = |file: &Path| file.file_name().is_some_and(|name| name == ".env");
    !withheld.is_whole || withheld.files.iter().any(|file| is_one(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(settings: FolderSettings, file: &str, is_whole: bool) -> Vec<(String, String)> {
        let withheld = WithheldFiles { files: vec![file.into()], is_whole };
        let launch = Launch { settings, withheld, ..Launch::default() };
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
        assert_eq!(told(FolderSettings::Withheld, "/project/.env", true), all);
        assert_eq!(told(FolderSettings::Withheld, "/project/.gemini", false), all, "there may be one");
        assert_eq!(told(FolderSettings::Withheld, "/project/.gemini/settings.json", true), [trust("false")]);
        assert_eq!(told(FolderSettings::Unread, "/project/GEMINI.md", true), [trust("false")]);
        assert_eq!(told(FolderSettings::Trusted, "/project/.env", true), [trust("true")]);
        assert_eq!(told(FolderSettings::Absent, "", true), []);
    }
}
