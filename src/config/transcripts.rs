//! The settings' type for where transcripts are written: a folder, or none.

use std::path::Path;

use sixframe_services::agents::TranscriptConfig;
use toml::Value;

use super::key::{Place, Setting};

/// A folder; relative ones begin where the logs are. Empty is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TranscriptPlace(String);

impl TranscriptPlace {
    /// A folder among the logs.
    pub(crate) fn below_the_logs() -> TranscriptPlace {
        TranscriptPlace("transcripts".to_owned())
    }

    /// The same for the services, whose logs are in this folder.
    pub(crate) fn of_agents(&self, logs: &Path) -> TranscriptConfig {
        let dir = (!self.0.is_empty()).then(|| logs.join(&self.0));
        TranscriptConfig { dir }
    }
}

impl Setting for TranscriptPlace {
    const EXPECTED: &'static str = "a path, or nothing";

    fn from_toml(value: &Value, place: Place<'_>) -> Result<TranscriptPlace, Option<String>> {
        let text = value.as_str().ok_or(None)?;
        match (text.strip_prefix("~/"), place.home) {
            (Some(rest), Some(home)) => Ok(TranscriptPlace(home.join(rest).to_string_lossy().into_owned())),
            (Some(_), None) => Err(Some("there is no home folder for ~/; write the path in full".to_owned())),
            (None, _) => Ok(TranscriptPlace(text.to_owned())),
        }
    }

    fn to_toml(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_is_among_the_logs_and_an_empty_one_is_none() {
        let place = Place { folder: Path::new("/etc"), home: Some(Path::new("/srv/me")) };
        let read = |text: &str| {
            let read = TranscriptPlace::from_toml(&Value::String(text.to_owned()), place);
            read.map(|place| place.of_agents(Path::new("/logs")).dir)
        };
        assert_eq!(read("transcripts"), Ok(Some("/logs/transcripts".into())));
        assert_eq!(read("/srv/t"), Ok(Some("/srv/t".into())));
        assert_eq!(read("~/t"), Ok(Some("/srv/me/t".into())));
        assert_eq!(read(""), Ok(None));
    }
}
