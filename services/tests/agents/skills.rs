//! Skills that Claude Code asks leave to load.

use serde_json::{Value, json};

use super::house::House;

/// Claude Code, which tells of two skills before it is asked anything, of one more later on, and asks leave for the skill that it is
/// asked for. It notes what it is answered.
const CLAUDE: &str = r#"
while read -r line; do
  case "$line" in
    *'"type":"user"'*)
      skill=$(printf '%s' "$line" | sed 's/.*skill=\([^"\\]*\).*/\1/')
      echo '{"type":"system","subtype":"init","session_id":"11111111-1111-4111-8111-111111111111","skills":["second"'"$later"']}'
      later=',"third"'
      echo '{"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Skill","tool_use_id":"t","input":{"skill":"'"$skill"'"}}}';;
    *control_response*)
      printf '%s\n' "$line" >> "$0.answers"
      echo '{"type":"result","subtype":"success","is_error":false}';;
    *) echo '{"type":"control_response","response":{"subtype":"success","request_id":"initialise","response":{"commands":[{"name":"first"}]}}}';;
  esac
done
"#;

/// How the request for a skill ended: by whom, and what was told of that.
async fn resolved(house: &House, session: &str, skill: &str) -> (Value, Value) {
    let mut turn = house.prompt(session, &format!("skill={skill}"));
    let asked = turn.until("permission.requested").await;
    let is_denied =
        asked["hits"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["rule"] == "untrusted_skill"));
    if !is_denied {
        house.ask("agent.approve", json!({"permissionId": asked["permissionId"]})).await.unwrap();
    }
    let resolved = turn.until("permission.resolved").await;
    assert_eq!(turn.end().await["outcome"], "completed");
    (resolved["by"].clone(), resolved["reason"].clone())
}

#[tokio::test]
async fn a_skill_that_nobody_was_shown_is_denied_before_a_person_is_asked() {
    let house = House::new();
    house.install(CLAUDE);
    for skill in [".claude/skills/here", "pkg/.claude/skills/below"] {
        std::fs::create_dir_all(house.file(skill)).unwrap();
        house.write(&format!("{skill}/SKILL.md"), "");
    }
    std::fs::create_dir(house.file(".git")).unwrap();
    for mode in ["ask", "auto"] {
        let session = house.session_with("claude", json!({"mode": mode})).await;
        for skill in ["first", "/second", "here"] {
            let (by, _) = resolved(&house, &session, skill).await;
            assert_ne!(by["kind"], "policy", "{skill}, {mode}: {by}");
        }
        for skill in ["third", "below", "pkg:here", "plugin:skill"] {
            let (by, reason) = resolved(&house, &session, skill).await;
            assert_eq!(by, json!({"kind": "policy", "rule": "untrusted_skill"}), "{skill}, {mode}");
            assert!(reason.as_str().unwrap().contains("starts a session in the folder"), "{reason}");
        }
    }
    let answers = std::fs::read_to_string(house.folder.path().join("claude.answers")).unwrap();
    let count = |behaviour: &str| answers.matches(&format!(r#""behavior":"{behaviour}""#)).count();
    assert_eq!((count("allow"), count("deny")), (6, 8), "{answers}");
    for told in ["trusts it there", "called by the name of its own folder"] {
        assert!(answers.contains(told), "its model is told what can be done: {answers}");
    }
}
