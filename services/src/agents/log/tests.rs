use tokio::sync::watch;

use super::super::event::{
    Delivery, LogRecovered, Mode, Outcome, PromptQueued, PromptRef, SessionCreated, SessionUpdate, Source, TurnEnded,
    TurnStarted,
};
use super::super::item::{Item, ItemKind, ItemStatus, ToolCall, ToolOutput};
use super::super::usage::{Usage, UsageUpdate};
use super::*;

fn envelope(seq: u64, event: Event) -> Envelope {
    Envelope {
        v: 1,
        epoch: "e1".into(),
        seq,
        ts: "2026-11-21T06:39:49.376Z".into(),
        session_id: "ses_1".into(),
        turn_id: (seq > 3).then(|| "turn_1".into()),
        item_id: None,
        event,
        src: Source::sixframe(),
        ext: None,
    }
}

fn events() -> Vec<Envelope> {
    let created = SessionCreated {
        provider: "claude".into(),
        cwd: "/p".into(),
        model: None,
        mode: Mode::Ask,
        forked_from: None,
        run_id: None,
        system_prompt: None,
        env: Vec::new(),
        tied: false,
    };
    let native = Some("native".to_owned());
    let queued = |id: &str| PromptQueued {
        prompt_id: id.into(),
        position: 0,
        delivery: Delivery::Queue,
        content: Vec::new(),
        context: None,
    };
    let events = [
        Event::SessionCreated(created),
        Event::SessionUpdated(SessionUpdate { native_session_id: native, ..SessionUpdate::default() }),
        Event::PromptQueued(queued("a")),
        Event::PromptStarted(PromptRef { prompt_id: "a".into() }),
        Event::TurnStarted(TurnStarted::on("a")),
        Event::PromptQueued(queued("b")),
    ];
    (1..).zip(events).map(|(seq, event)| envelope(seq, event)).collect()
}

fn ended() -> Event {
    let (error, usage, cost, first_event_ms, native_stop_reason) = (None, None, None, None, None);
    let outcome = Outcome::Completed;
    Event::TurnEnded(TurnEnded { outcome, error, usage, cost, duration_ms: 1, first_event_ms, native_stop_reason })
}

#[test]
fn a_log_remembers_what_was_known_and_what_was_open() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    log.append(&events(), &Secrets::default())?;
    let remembered = recover(log.path())?.expect("it begins with a session");
    assert_eq!((remembered.seq, remembered.epoch.as_str(), remembered.torn), (6, "e1", 0));
    assert_eq!(remembered.known.native_session_id.as_deref(), Some("native"));
    assert_eq!(remembered.turn.as_deref(), Some("turn_1"));
    assert_eq!(remembered.prompts.into_iter().collect::<Vec<_>>(), ["b"]);
    log.append(&[envelope(7, ended())], &Secrets::default())?;
    assert_eq!(recover(log.path())?.and_then(|remembered| remembered.turn), None);
    Ok(())
}

#[test]
fn what_one_agent_used_stays_where_another_took_over_and_how_full_it_was_goes() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    log.append(&events(), &Secrets::default())?;
    let session = Some(Usage { input: 7, ..Usage::default() });
    let used = UsageUpdate {
        context_used: Some(150_000),
        context_size: Some(200_000),
        turn: session,
        session,
        ..UsageUpdate::default()
    };
    let taken_over = SessionUpdate { provider: Some("other".into()), ..Default::default() };
    let after = [envelope(7, Event::UsageUpdated(used)), envelope(8, Event::SessionUpdated(taken_over))];
    log.append(&after, &Secrets::default())?;
    let usage = recover(log.path())?.map(|remembered| remembered.usage);
    assert_eq!(usage, Some(UsageUpdate { session, ..UsageUpdate::default() }));
    Ok(())
}

#[test]
fn whatever_is_torn_off_the_end_the_events_before_it_are_read() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    let lines = log.append(&events(), &Secrets::default())?;
    let whole = std::fs::read(log.path())?;
    for cut in 1..whole.len() {
        std::fs::write(log.path(), &whole[..cut])?;
        let mut ends = lines.iter().scan(0, |end, line| {
            *end += line.len() + 1;
            Some(*end)
        });
        let (count, good) = ends
            .by_ref()
            .enumerate()
            .take_while(|(_, end)| *end <= cut)
            .last()
            .map_or((0, 0), |(at, end)| (at + 1, end));
        match recover(log.path())? {
            None => assert_eq!(count, 0),
            Some(remembered) => {
                assert_eq!((remembered.seq, remembered.torn), (count as u64, (cut - good) as u64));
                assert_eq!(std::fs::metadata(log.path())?.len(), good as u64);
            }
        }
    }
    Ok(())
}

#[test]
fn an_event_that_only_a_later_version_knows_is_kept() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    log.append(&events()[..2], &Secrets::default())?;
    let later = r#"{"v":1,"epoch":"e1","seq":3,"ts":"","sessionId":"ses_1","type":"later.thing","data":{},"src":{}}"#;
    let mut text = std::fs::read_to_string(log.path())?;
    text += later;
    text += "\n";
    std::fs::write(log.path(), text)?;
    let remembered = recover(log.path())?.expect("it begins with a session");
    assert_eq!((remembered.seq, remembered.torn), (3, 0));
    Ok(())
}

#[test]
fn secrets_are_not_written_down() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    let variable = ("A_KEY".to_owned(), "very-secret-value".to_owned());
    let queued = Event::SessionUpdated(SessionUpdate { title: Some("very-secret-value".into()), ..Default::default() });
    let lines = log.append(&[envelope(1, queued)], &Secrets::of([variable].into_iter()))?;
    assert!(!lines[0].contains("very-secret") && lines[0].contains("[redacted]"));
    assert!(!std::fs::read_to_string(log.path())?.contains("very-secret"));
    Ok(())
}

#[tokio::test]
async fn a_follower_reads_what_is_there_and_what_comes_and_then_ends() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    let first = log.append(&events(), &Secrets::default())?;
    let (told, written) = watch::channel(log.written());
    let mut follow = Follow::new(log.path(), written, 4);
    assert_eq!(follow.next().await?, Some((5, first[4].clone())));
    assert_eq!(follow.next().await?, Some((6, first[5].clone())));
    let recovered = envelope(7, Event::LogRecovered(LogRecovered { bytes: 1 }));
    let (next, ()) = tokio::join!(follow.next(), async {
        tokio::task::yield_now().await;
        log.append(std::slice::from_ref(&recovered), &Secrets::default()).expect("the folder is there");
        told.send_replace(log.written());
    });
    assert_eq!(next?.map(|(seq, _)| seq), Some(7));
    told.send_modify(|written| written.is_final = true);
    assert_eq!(follow.next().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_follower_of_a_long_log_begins_where_it_was_told_to() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut log = Log::create(folder.path(), "ses_1")?;
    let update = |seq: u64| {
        // Some lines are longer than all that is read at once.
        let title = "x".repeat(if seq.is_multiple_of(97) { 300_000 } else { 1_500 });
        envelope(seq, Event::SessionUpdated(SessionUpdate { title: Some(title), ..Default::default() }))
    };
    let events: Vec<Envelope> = (1..=600).map(update).collect();
    log.append(&events, &Secrets::default())?;
    for after in (0..600).step_by(7).chain([1, 96, 97, 98, 598, 599]) {
        let (_told, written) = watch::channel(log.written());
        let mut follow = Follow::new(log.path(), written, after);
        let next = follow.next().await?;
        let line = next.as_ref().and_then(|(_, line)| serde_json::from_str::<serde_json::Value>(line).ok());
        assert_eq!(next.map(|(seq, _)| seq), Some(after + 1));
        assert_eq!(line.map(|line| line["seq"].clone()), Some((after + 1).into()));
        assert!(after < 590 || follow.passed_over() > 1_000_000, "what is before it is not read");
    }
    Ok(())
}

#[test]
fn of_an_item_that_grows_no_part_of_a_secret_is_written_before_all_of_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "a-very-secret-value";
    let secrets = Secrets::of([("A_KEY".to_owned(), secret.to_owned())].into_iter());
    let mut log = Log::create(folder.path(), "ses_1").unwrap();
    let text = format!("it is {secret}, or not");
    let item = |end: usize, status| {
        let tool = ToolCall { output: Some(ToolOutput::of_text(&text[..end])), ..ToolCall::default() };
        Event::ItemUpserted(Item::new(ItemKind::ToolCall).status(status).tool(tool))
    };
    let growing = (1..text.len()).map(|end| item(end, ItemStatus::InProgress));
    let events: Vec<Envelope> = growing
        .chain([item(text.len(), ItemStatus::Completed)])
        .zip(1..)
        .map(|(event, seq)| envelope(seq, event))
        .collect();
    let lines = log.append(&events, &secrets).unwrap();
    let told: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<&str> = told.iter().map(|told| told["data"]["tool"]["output"]["text"].as_str().unwrap()).collect();
    assert!(told.iter().all(|told| !told.contains(&secret[..8])), "{told:?}");
    assert_eq!(told.last(), Some(&"it is [redacted], or not"));
    assert_eq!(told[5..9], ["it is ", "it is a", "it is a-", "it is a-v"], "what may be anything is told");
    assert_eq!(std::fs::read_to_string(log.path()).unwrap(), lines.join("\n") + "\n", "on the wire as in the log");
}

#[test]
fn what_a_tool_is_given_is_written_as_it_is_however_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::of([("A_KEY".to_owned(), "a-very-secret-value".to_owned())].into_iter());
    let mut log = Log::create(folder.path(), "ses_1").unwrap();
    let tool = ToolCall {
        title: Some("Bash: cd a-very-secret".into()),
        input: Some(serde_json::json!({"command": "cd a-very-secret"})),
        output: Some(ToolOutput::of_text("in a-very-secret")),
        ..ToolCall::default()
    };
    let item = Item::new(ItemKind::ToolCall).status(ItemStatus::InProgress).text("in a-very-secret").tool(tool);
    let mut expected = serde_json::to_value(&item).unwrap();
    expected["content"][0]["text"] = "in [redacted]".into();
    expected["tool"]["output"]["text"] = "in [redacted]".into();
    let lines = log.append(&[envelope(1, Event::ItemUpserted(item))], &secrets).unwrap();
    let told: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(told["data"], expected);
}

#[test]
fn what_was_closed_is_not_among_what_a_daemon_may_have_left_open() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    assert_eq!(unclosed(&folder.join("none"))?, [""; 0].map(PathBuf::from));
    let _open = Log::create(folder, "ses_1")?;
    drop(Log::create(folder, "ses_2")?);
    Log::create(folder, "ses_3")?.close();
    std::fs::write(folder.join("ses_4.lock"), "")?;
    let mut left = unclosed(folder)?;
    left.sort();
    assert_eq!(left, [place(folder, "ses_1"), place(folder, "ses_2")]);
    Ok(())
}
