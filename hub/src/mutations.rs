//! The mutations that were carried out, by client, so that one that comes again is answered and not carried out again.
//! Bounded in clients and in mutations of each.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::api::Mutation;

/// Clients that are remembered; of more, the one that was quiet for longest is forgotten.
const CLIENTS: usize = 1024;

/// Mutations of a client that are remembered.
const MUTATIONS: usize = 64;

/// The mutations that were carried out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mutations {
    clients: HashMap<String, Client>,
    /// Counts, to know who was quiet for longest.
    clock: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Client {
    /// Ids and the revisions that they made, in the order in which they came.
    done: VecDeque<(u64, u64)>,
    /// Ids up to this one may have been forgotten.
    forgotten: u64,
    seen: u64,
}

/// What is known of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was not carried out.
    New,
    /// It was, as this revision.
    Done(u64),
    /// It is older than what is remembered.
    Forgotten,
}

impl Mutations {
    pub(crate) fn find(&self, mutation: &Mutation) -> Known {
        let Some(client) = self.clients.get(&mutation.client) else { return Known::New };
        match client.done.iter().find(|(id, _)| *id == mutation.id) {
            Some((_, revision)) => Known::Done(*revision),
            None if mutation.id <= client.forgotten => Known::Forgotten,
            None => Known::New,
        }
    }

    pub(crate) fn note(&mut self, mutation: &Mutation, revision: u64) {
        self.clock += 1;
        if !self.clients.contains_key(&mutation.client) && self.clients.len() == CLIENTS {
            let quiet = self.clients.iter().min_by_key(|(_, client)| client.seen).map(|(name, _)| name.clone());
            quiet.map(|name| self.clients.remove(&name));
        }
        let client = self.clients.entry(mutation.client.clone()).or_default();
        client.seen = self.clock;
        client.done.push_back((mutation.id, revision));
        if client.done.len() > MUTATIONS
            && let Some((oldest, _)) = client.done.pop_front()
        {
            client.forgotten = client.forgotten.max(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(client: &str, id: u64) -> Mutation {
        Mutation { client: client.to_owned(), id }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut mutations = Mutations::default();
        for id in 1..=100 {
            mutations.note(&mutation("one", id), id + 1000);
        }
        assert_eq!(mutations.find(&mutation("one", 100)), Known::Done(1100));
        assert_eq!(mutations.find(&mutation("one", 101)), Known::New);
        assert_eq!(mutations.find(&mutation("one", 36)), Known::Forgotten);
        for client in 0..CLIENTS {
            mutations.note(&mutation(&format!("other{client}"), 1), 1);
        }
        assert_eq!(mutations.clients.len(), CLIENTS);
        assert_eq!(mutations.find(&mutation("one", 100)), Known::New, "the quietest client is forgotten");
        assert_eq!(mutations.find(&mutation("other1", 1)), Known::Done(1));
    }
}
