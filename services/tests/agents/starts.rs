//! What stands between a real agent's program and its first word: by plain pipes, and through a session, in turns. Both start
//! the same program with the same arguments and say the same lines to it; its model is a test's and answers at once.
//! `cargo test --release -p sixframe-services --test agents -- --ignored --nocapture --test-threads 1 figures_of_starts`

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use sixframe_services::agents::{
    Acp, Claude, Codex, Command, Content, Fact, FolderSettings, Launch, Program, Prompt, Step, Translator,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::ChildStdin;

use super::real::World;

/// Pairs of each agent.
const PAIRS: usize = 15;

/// How an agent is spoken to.
fn dialect(provider: &str, launch: &Launch) -> (Vec<String>, Box<dyn Translator>) {
    match provider {
        "claude" => (Claude::arguments(launch), Box::new(Claude::default())),
        "codex" => (Codex::arguments(launch), Box::new(Codex::default())),
        _ => (Acp::arguments(launch), Box::new(Acp::default())),
    }
}

async fn say(input: &mut ChildStdin, steps: Vec<Step>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for step in steps {
        match step {
            Step::Say(value) => input.write_all(format!("{value}\n").as_bytes()).await.unwrap(),
            Step::Tell(told) => facts.push(told.fact),
        }
    }
    facts
}

/// From the start of the program by plain pipes until it is ready, and until its first word.
async fn plain(world: &World, provider: &str) -> [Duration; 2] {
    let launch = Launch { cwd: world.house.file(""), settings: FolderSettings::Absent, ..Launch::default() };
    let Program { program, args, .. } = world.house.program(provider).clone();
    let (spoken, mut translator) = dialect(provider, &launch);
    let begun = Instant::now();
    let mut command = tokio::process::Command::new(program);
    command.args(args).args(spoken).current_dir(&launch.cwd);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = piped.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ready = None;
    let mut facts = say(&mut input, translator.open(&launch)).await;
    let word = 'word: loop {
        for fact in std::mem::take(&mut facts) {
            match fact {
                Fact::Ready(_) => {
                    ready = Some(begun.elapsed());
                    let content = vec![Content::Text { text: "hello there".into() }];
                    let steps = translator.command(Command::Prompt(Prompt::new("p", content)));
                    facts.extend(say(&mut input, steps).await);
                }
                Fact::Grew { .. } => break 'word begun.elapsed(),
                Fact::Gone { .. } | Fact::Ended(_) => panic!("{provider} says nothing: {fact:?}"),
                _ => (),
            }
        }
        let line = lines.next_line().await.unwrap().expect("a word");
        facts.extend(say(&mut input, translator.hear(line.as_bytes())).await);
    };
    while !say(&mut input, translator.hear(lines.next_line().await.unwrap().unwrap().as_bytes()))
        .await
        .iter()
        .any(|fact| matches!(fact, Fact::Ended(_)))
    {}
    drop(input);
    child.wait().await.unwrap();
    [ready.unwrap(), word]
}

/// From the wish for a session until its agent is ready, and until the first word.
async fn ours(world: &World, provider: &str) -> [Duration; 2] {
    let begun = Instant::now();
    let session = world.session(provider).await;
    let mut turn = world.prompt(&session, "hello there");
    turn.until("turn.started").await;
    let ready = begun.elapsed();
    turn.until("item.delta").await;
    let word = begun.elapsed();
    assert_eq!(turn.end().await["outcome"], "completed");
    world.house.ask("agent.close", json!({"sessionId": session})).await.unwrap();
    [ready, word]
}

/// What it comes to by plain pipes and by us, and what we add: the least of each, and the one in the middle. Where others use
/// the processors too, the least says most.
fn told(pairs: &[[[Duration; 2]; 2]], at: usize) -> String {
    let of = |side: usize| pairs.iter().map(|pair| pair[side][at].as_secs_f64() * 1e3).collect::<Vec<_>>();
    let [mut plain, mut ours] = [of(0), of(1)];
    let mut added: Vec<f64> = plain.iter().zip(&ours).map(|(plain, ours)| ours - plain).collect();
    [&mut plain, &mut ours, &mut added].into_iter().for_each(|times| times.sort_by(f64::total_cmp));
    let middle = plain.len() / 2;
    format!(
        "{:.0}; {:.0} | {:.0}; {:.0} | {:.1}; {:.1}",
        plain[0],
        plain[middle],
        ours[0],
        ours[middle],
        ours[0] - plain[0],
        added[middle]
    )
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes figures, and needs the agents' programs: cargo xtask test --only agents"]
async fn figures_of_starts() {
    println!("load {}", load());
    println!(
        "| ms, least; median of {PAIRS} | ready: plain | through a session | added | first word: plain | through a session | added |"
    );
    for provider in ["claude", "codex", "gemini"] {
        let world = World::new().await;
        // What a program does only once in a new home is neither's.
        let _: [[Duration; 2]; 2] = [plain(&world, provider).await, ours(&world, provider).await];
        let mut pairs = Vec::new();
        for pair in 0..PAIRS {
            // Neither is always the second.
            let first = if pair % 2 == 0 { None } else { Some(ours(&world, provider).await) };
            let plain = plain(&world, provider).await;
            pairs.push([
                plain,
                match first {
                    Some(ours) => ours,
                    None => ours(&world, provider).await,
                },
            ]);
        }
        println!("| {provider} | {} | {} |", told(&pairs, 0), told(&pairs, 1));
        world.house.agents.halt().await;
    }
    println!("load {}", load());
}
