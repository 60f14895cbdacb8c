//! Method descriptors: the one place that knows a method's name, types and behaviour. Servers, clients, `rpc.discover` and
//! schemas are all made from them.

use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::frame::Lag;
use crate::identity::Scope;
use crate::service::Delivery;
use crate::session::Shape;

/// What a method is, apart from its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// The name on the wire, `domain.action`.
    pub name: &'static str,
    /// One sentence for people, shown by `rpc.discover`.
    pub doc: &'static str,
    /// Which directions carry items.
    pub shape: Shape,
    /// Whether it may safely run twice.
    pub idempotent: bool,
    /// What happens to a lagging consumer that chose nothing.
    pub lag: Lag,
    /// Whether a stream's source is asked for an item only when that can be sent.
    pub on_demand: bool,
    /// Whether a stream's items carry the method's name.
    pub labelled: bool,
    /// Whether a broken stream may be issued again: only where its loss stops nothing.
    pub resumable: bool,
    /// The scope that a caller needs.
    pub scope: Scope,
}

impl MethodInfo {
    const fn new(name: &'static str, shape: Shape) -> MethodInfo {
        let (doc, scope) = ("", Scope::Call);
        let (on_demand, labelled, resumable) = (false, false, false);
        MethodInfo { name, doc, shape, idempotent: false, lag: Lag::Block, on_demand, labelled, resumable, scope }
    }

    /// How the items of a stream of this method leave.
    pub const fn delivery(&self) -> Delivery {
        Delivery {
            lag: self.lag,
            on_demand: self.on_demand,
            method: if self.labelled { Some(self.name) } else { None },
        }
    }
}

/// The JSON Schemas of a method's types, made when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Schemas {
    /// The parameters.
    pub params: fn() -> Schema,
    /// The answer, or one item.
    pub result: fn() -> Schema,
    /// One upstream item, where there are any.
    pub upstream: Option<fn() -> Schema>,
}

/// The schema of what is read.
pub(crate) fn read_schema<T: JsonSchema>() -> Schema {
    SchemaGenerator::default().into_root_schema_for::<T>()
}

/// The schema of what is written, which may be narrower: a field that is always written is required.
pub(crate) fn written_schema<T: JsonSchema>() -> Schema {
    SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<T>()
}

macro_rules! descriptor {
    ($(#[$doc:meta])* $name:ident<$($type:ident),+>, $shape:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<$($type),+> {
            info: MethodInfo,
            types: PhantomData<fn($($type),+)>,
        }

        impl<$($type),+> $name<$($type),+> {
            /// Describes the method `name`, `domain.action`.
            pub const fn new(name: &'static str) -> Self {
                $name { info: MethodInfo::new(name, $shape), types: PhantomData }
            }

            /// What the method is, apart from its types.
            pub const fn info(&self) -> &MethodInfo {
                &self.info
            }

            /// Says in one sentence what the method does.
            #[must_use]
            pub const fn doc(mut self, doc: &'static str) -> Self {
                self.info.doc = doc;
                self
            }

            /// Names the scope that a caller needs; [`Scope::Call`] where this is not said.
            #[must_use]
            pub const fn scope(mut self, scope: Scope) -> Self {
                self.info.scope = scope;
                self
            }

            /// Declares that the method may safely run twice (spec: `close.2`).
            #[must_use]
            pub const fn idempotent(mut self) -> Self {
                self.info.idempotent = true;
                self
            }
        }

        impl<$($type),+> Clone for $name<$($type),+> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($type),+> Copy for $name<$($type),+> {}
    };
}

descriptor! {
    /// One request, one answer: parameters `P`, answer `R`.
    Method<P, R>, Shape::Unary
}

descriptor! {
    /// A stream of answers: parameters `P`, items `T`.
    StreamMethod<P, T>, Shape::Stream
}

descriptor! {
    /// Items from the caller, one answer: parameters `P`, items `U`, answer `R`.
    UploadMethod<P, U, R>, Shape::Upload
}

descriptor! {
    /// Items both ways: parameters `P`, items `U` from the caller, items `T` to it.
    DuplexMethod<P, U, T>, Shape::Duplex
}

impl<P, T> StreamMethod<P, T> {
    /// What happens to a lagging consumer that chose nothing; [`Lag::Block`] where this is not said (spec: `fc.8`).
    #[must_use]
    pub const fn lag(mut self, lag: Lag) -> Self {
        self.info.lag = lag;
        self
    }

    /// Declares that the source makes its newest item when it is asked for one: it is asked only when the item can be
    /// sent, so that a consumer that lags costs no queue and loses nothing to it (spec: `fc.17`).
    #[must_use]
    pub const fn on_demand(mut self) -> Self {
        self.info.on_demand = true;
        self
    }

    /// Declares that the items carry the method's name, so that an observer of many streams can tell them apart
    /// (spec: `frame.18`).
    #[must_use]
    pub const fn labelled(mut self) -> Self {
        self.info.labelled = true;
        self
    }

    /// Declares that losing the stream stops nothing, and that its items say `epoch` and `pos`: a broken stream is issued
    /// again on the next connection (spec: `resume.2`).
    #[must_use]
    pub const fn resumable(mut self) -> Self {
        self.info.resumable = true;
        self
    }
}
