//! The index of what sessions say: documents for items, and for each session one that keeps how far its log is in here. Knows no
//! locks; whoever writes is alone.

use std::collections::HashMap;
use std::ops::Bound;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tantivy::collector::{DocSetCollector, TopDocs};
use tantivy::query::{BooleanQuery, EmptyQuery, Occur, PhraseQuery, Query as Asked, RangeQuery, TermQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, OwnedValue, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
    Value as _,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{DocAddress, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::heads::Heads;
use super::query::{Query, Sequence};
use super::words::{Word, words};

/// The name of what makes words of texts. Another one is another index.
const TOKENIZER: &str = "sixframe";

/// The kind of the document of a session.
const SESSION: &str = "session";

/// Memory that a writer may take, in bytes.
const WRITER: usize = 32 << 20;

/// The most entries that have all words of a query and are looked through for those that have them in order.
const LOOKED: usize = 2048;

/// What is kept of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Bytes of its log that are in the index: up to the end of a turn.
    pub(super) position: u64,
    /// What a list tells of it, so far.
    pub(super) heads: Heads,
    /// Bytes of its texts in the index.
    pub(super) bytes: u64,
}

/// What can be found: a part of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) session_id: String,
    pub(super) turn_id: Option<String>,
    pub(super) item_id: Option<String>,
    pub(super) seq: u64,
    pub(super) at_ms: u64,
    pub(super) kind: String,
    pub(super) text: String,
}

/// Whose entries are looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) cwd: Option<String>,
    pub(super) provider: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Fields {
    session: Field,
    /// The session's id in the document that keeps its state alone.
    keeper: Field,
    kept: Field,
    turn: Field,
    item: Field,
    kind: Field,
    provider: Field,
    cwd: Field,
    seq: Field,
    at: Field,
    text: Field,
}

/// An index on the disk. Cheap to clone.
#[derive(Clone)]
pub(super) struct Index {
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
}

/// Changes of an index, which are there when they are committed.
pub(super) struct Batch {
    writer: IndexWriter,
    fields: Fields,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(indexing).set_stored();
    let fields = Fields {
        session: schema.add_text_field("session", STRING | STORED),
        keeper: schema.add_text_field("keeper", STRING),
        kept: schema.add_text_field("kept", STORED),
        turn: schema.add_text_field("turn", STORED),
        item: schema.add_text_field("item", STORED),
        kind: schema.add_text_field("kind", STRING | STORED),
        provider: schema.add_text_field("provider", STRING),
        cwd: schema.add_text_field("cwd", STRING),
        seq: schema.add_u64_field("seq", STORED),
        at: schema.add_u64_field("at", INDEXED | FAST | STORED),
        text: schema.add_text_field("text", text),
    };
    (schema.build(), fields)
}

impl Index {
    /// An index in a folder that is there and empty.
    pub(super) fn create(folder: &Path) -> tantivy::Result<Index> {
        let (schema, fields) = schema();
        Index::of(tantivy::Index::create_in_dir(folder, schema)?, fields)
    }

    /// The index in a folder.
    pub(super) fn open(folder: &Path) -> tantivy::Result<Index> {
        let (schema, fields) = schema();
        let index = tantivy::Index::open_in_dir(folder)?;
        if index.schema() != schema {
            return Err(tantivy::TantivyError::SchemaError("the index is of another version".to_owned()));
        }
        Index::of(index, fields)
    }

    fn of(index: tantivy::Index, fields: Fields) -> tantivy::Result<Index> {
        index.tokenizers().register(TOKENIZER, Words);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Index { index, reader, fields })
    }

    /// Whether its files are as they were written.
    pub(super) fn is_sound(&self) -> bool {
        self.index.validate_checksum().is_ok_and(|damaged| damaged.is_empty())
    }

    /// Begins to change it. Nobody else may meanwhile.
    pub(super) fn batch(&self) -> tantivy::Result<Batch> {
        let writer = self.index.writer_with_num_threads(1, WRITER)?;
        Ok(Batch { writer, fields: self.fields })
    }

    fn searcher(&self) -> tantivy::Result<Searcher> {
        self.reader.reload()?;
        Ok(self.reader.searcher())
    }

    /// What is kept of all sessions, by their ids.
    pub(super) fn kept(&self) -> tantivy::Result<HashMap<String, Kept>> {
        let searcher = self.searcher()?;
        let of_sessions = exact(self.fields.kind, SESSION);
        let found = searcher.search(&of_sessions, &DocSetCollector)?;
        let mut kept = HashMap::with_capacity(found.len());
        for address in found {
            let document: TantivyDocument = searcher.doc(address)?;
            let state = text_of(&document, self.fields.kept).and_then(|text| serde_json::from_str(&text).ok());
            if let Some((id, state)) = text_of(&document, self.fields.session).zip(state) {
                kept.insert(id, state);
            }
        }
        Ok(kept)
    }

    /// Entries that have what is looked for, the newest first, and whether there may be more of them though fewer were found.
    pub(super) fn search(&self, query: &Query, filter: &Filter, limit: usize) -> tantivy::Result<(Vec<Entry>, bool)> {
        let searcher = self.searcher()?;
        let (asked, is_exact) = (self.asked(query, filter), query.is_exact());
        let (mut entries, mut passed) = (Vec::new(), 0);
        while passed < LOOKED {
            let newest = TopDocs::with_limit(limit).and_offset(passed).order_by_fast_field::<u64>("at", Order::Desc);
            let found = searcher.search(&asked, &newest)?;
            let is_end = found.len() < limit;
            passed += found.len();
            for (_, address) in found {
                let entry = self.entry(&searcher, address)?;
                if entries.len() < limit && (is_exact || query.find(&entry.text).is_some()) {
                    entries.push(entry);
                }
            }
            if is_end || entries.len() == limit {
                return Ok((entries, false));
            }
        }
        Ok((entries, true))
    }

    fn entry(&self, searcher: &Searcher, address: DocAddress) -> tantivy::Result<Entry> {
        let document: TantivyDocument = searcher.doc(address)?;
        let fields = &self.fields;
        let number = |field| document.get_first(field).and_then(|value| value.as_u64()).unwrap_or_default();
        Ok(Entry {
            session_id: text_of(&document, fields.session).unwrap_or_default(),
            turn_id: text_of(&document, fields.turn),
            item_id: text_of(&document, fields.item),
            seq: number(fields.seq),
            at_ms: number(fields.at),
            kind: text_of(&document, fields.kind).unwrap_or_default(),
            text: text_of(&document, fields.text).unwrap_or_default(),
        })
    }

    fn asked(&self, query: &Query, filter: &Filter) -> BooleanQuery {
        let mut all: Vec<(Occur, Box<dyn Asked>)> = Vec::new();
        for clause in &query.clauses {
            let forms = clause.iter().map(|sequence| (Occur::Should, self.sequence(sequence))).collect();
            all.push((Occur::Must, Box::new(BooleanQuery::new(forms))));
        }
        let filters = [(self.fields.provider, &filter.provider), (self.fields.cwd, &filter.cwd)];
        for (field, wanted) in filters {
            let wanted = wanted.iter().map(|wanted| Box::new(exact(field, wanted)) as Box<dyn Asked>);
            all.extend(wanted.map(|wanted| (Occur::Must, wanted)));
        }
        BooleanQuery::new(all)
    }

    fn sequence(&self, sequence: &Sequence) -> Box<dyn Asked> {
        let field = self.fields.text;
        let term = |text: &str| Term::from_field_text(field, text);
        let terms: Vec<(usize, Term)> = sequence.words.iter().map(|(at, text)| (*at, term(text))).collect();
        match (sequence.words.as_slice(), sequence.is_open) {
            ([], _) => Box::new(EmptyQuery),
            ([(_, word)], true) => Box::new(self.beginning(word)),
            ([(_, word)], false) => Box::new(exact(field, word)),
            // To ask for all ways to go on at their places costs each of them at each entry; those who have one are few.
            ([before @ .., (_, last)], true) => {
                let before: Box<dyn Asked> = match before {
                    [(_, word)] => Box::new(exact(field, word)),
                    before => Box::new(PhraseQuery::new_with_offset(terms[..before.len()].to_vec())),
                };
                Box::new(BooleanQuery::intersection(vec![before, Box::new(self.beginning(last))]))
            }
            (_, false) => Box::new(PhraseQuery::new_with_offset(terms)),
        }
    }

    /// Any word that begins with this.
    fn beginning(&self, word: &str) -> RangeQuery {
        let term = |text: &str| Term::from_field_text(self.fields.text, text);
        let end = after(word).map_or(Bound::Unbounded, |end| Bound::Excluded(term(&end)));
        RangeQuery::new(Bound::Included(term(word)), end)
    }
}

impl Batch {
    /// Takes out everything of a session.
    pub(super) fn forget(&self, session_id: &str) {
        self.writer.delete_term(Term::from_field_text(self.fields.session, session_id));
    }

    /// Adds what can be found in a session.
    pub(super) fn add(&self, entry: &Entry, heads: &Heads) -> tantivy::Result<()> {
        self.write(entry, heads, |_| ())
    }

    /// Keeps how far a session is in here, instead of how far it was. It is found by its title.
    pub(super) fn keep(&self, session_id: &str, kept: &Kept) -> tantivy::Result<()> {
        self.writer.delete_term(Term::from_field_text(self.fields.keeper, session_id));
        let info = kept.heads.info();
        let entry = Entry {
            session_id: session_id.to_owned(),
            seq: 1,
            at_ms: info.map_or(0, |info| info.updated_at_ms),
            kind: SESSION.to_owned(),
            text: info.and_then(|info| info.title.clone()).unwrap_or_default(),
            ..Entry::default()
        };
        let state = serde_json::to_string(kept).unwrap_or_default();
        self.write(&entry, &kept.heads, |document| {
            document.add_text(self.fields.keeper, session_id);
            document.add_text(self.fields.kept, &state);
        })
    }

    fn write(&self, entry: &Entry, heads: &Heads, more: impl FnOnce(&mut TantivyDocument)) -> tantivy::Result<()> {
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        document.add_text(fields.session, &entry.session_id);
        entry.turn_id.iter().for_each(|turn| document.add_text(fields.turn, turn));
        entry.item_id.iter().for_each(|item| document.add_text(fields.item, item));
        document.add_text(fields.kind, &entry.kind);
        document.add_u64(fields.seq, entry.seq);
        document.add_u64(fields.at, entry.at_ms);
        document.add_text(fields.text, &entry.text);
        if let Some(info) = heads.info() {
            document.add_text(fields.provider, &info.provider);
            document.add_text(fields.cwd, &info.cwd);
        }
        more(&mut document);
        self.writer.add_document(document).map(drop)
    }

    /// Makes the changes: they are on the disk, and seen.
    pub(super) fn commit(mut self) -> tantivy::Result<()> {
        self.writer.commit()?;
        self.writer.wait_merging_threads()
    }
}

fn exact(field: Field, text: &str) -> TermQuery {
    TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic)
}

/// The first text behind all that begin with this one.
fn after(word: &str) -> Option<String> {
    let mut chars: Vec<char> = word.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn text_of(document: &TantivyDocument, field: Field) -> Option<String> {
    let value: OwnedValue = document.get_first(field)?.into();
    match value {
        OwnedValue::Str(text) => Some(text),
        _ => None,
    }
}

/// What makes words of texts.
#[derive(Clone, Copy)]
struct Words;

struct Stream {
    words: std::vec::IntoIter<Word>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        Stream { words: words(text).into_iter(), token: Token::default() }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        let Word { text, from, to, position, .. } = word;
        self.token = Token { offset_from: from, offset_to: to, position, text, position_length: 1 };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
