//! What an agent asks for by a name that is not known here. What looks like a request for leave is shown to a person as it is, and
//! denied unless they allow it; that they can only where the form of a yes is known. Anything else is refused at once, and said.

use serde_json::{Value, json};

use super::item::{Item, ItemKind, ItemStatus};
use super::permission::{Action, Ask, OptionKind, PermissionOption};
use super::policy::Ruling;

/// The option that allows it once.
pub(super) const ALLOW: &str = "sixframe:allow";

/// The option that denies it.
const DENY: &str = "sixframe:deny";

/// Whether a name is one of a request for leave.
pub(super) fn is_leave(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["approv", "permission", "consent", "confirm", "authoriz", "can_use", "elevat"]
        .iter()
        .any(|word| name.contains(word))
}

/// The request as a person sees it. It can be allowed only where somebody knows how to say yes.
pub(super) fn ask(key: &str, name: &str, told: &Value, can_be_allowed: bool) -> Ask {
    let allow = can_be_allowed.then(|| PermissionOption::new(ALLOW, OptionKind::AllowOnce, "Allow"));
    let deny = PermissionOption::new(DENY, OptionKind::RejectOnce, "Deny");
    let description = match can_be_allowed {
        true => "This kind of request is not known here. Read all of it before you allow it.",
        false => "This kind of request is not known here, nor how to allow it. It can be denied.",
    };
    let text = |key: &str| told[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Ask {
        key: key.to_owned(),
        item: ["itemId", "callId", "tool_use_id"].into_iter().find_map(text),
        action: Action::Unknown,
        title: format!("something unknown: {name}"),
        description: Some(description.to_owned()),
        reason: text("reason"),
        input: json!({"request": name, "told": told}),
        paths: Vec::new(),
        skill: None,
        ruling: Ruling::default(),
        options: allow.into_iter().chain([deny]).collect(),
    }
}

/// What is said of a request that is refused.
pub(super) fn refused(name: &str) -> Item {
    let text = format!("The agent asked for {name}, which is not known here. It was refused.");
    Item::new(ItemKind::Notice).status(ItemStatus::Completed).text(text)
}
