//! rmcp: tool calls of the Model Context Protocol over a unix socket, with typed arguments and structured results.

use anyhow::{Context, Result};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::{Json, RoleClient, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::UnixStream;

use crate::payload::{Load, User};
use crate::peer::{Address, Answer, Peer, Socket, Wire};
use crate::workload::Workload;

/// Arguments of a tool are an object.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Users {
    users: Vec<User>,
}

#[derive(Clone)]
struct Tools {
    router: ToolRouter<Self>,
}

#[tool_router(router = router)]
impl Tools {
    #[tool(name = "echo")]
    async fn echo(&self, Parameters(user): Parameters<User>) -> Json<User> {
        Json(user)
    }

    #[tool(name = "echo_all")]
    async fn echo_all(&self, Parameters(users): Parameters<Users>) -> Json<Users> {
        Json(users)
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {}

pub struct Rmcp(RunningService<RoleClient, ()>);

impl Peer for Rmcp {
    const NAME: &'static str = "rmcp";
    const ABOUT: &'static str = "rmcp, tool calls of the Model Context Protocol";
    const WIRE: Wire = Wire::Unix;
    const WORKLOADS: &'static [Workload] = &[
        Workload::PingPong,
        Workload::Pipelined,
        Workload::Crowd,
        Workload::Kib16,
        Workload::Mib1,
        Workload::Idle,
        Workload::ColdStart,
    ];

    async fn serve(socket: Socket, _: Option<Address>) -> Result<()> {
        let listener = socket.unix()?;
        let tools = Tools { router: Tools::router() };
        loop {
            let (stream, _) = listener.accept().await?;
            let tools = tools.clone();
            tokio::spawn(async move { anyhow::Ok(tools.serve(stream).await?.waiting().await?) });
        }
    }

    async fn connect(address: &Address) -> Result<Self> {
        Ok(Self(().serve(UnixStream::connect(address.path()?).await?).await?))
    }

    async fn call(&self, load: Load<'_>) -> Result<Answer> {
        Ok(match load {
            Load::One(user) => Answer::One(self.tool("echo", user).await?),
            Load::Many(users) => {
                let answer: Users = self.tool("echo_all", &Users { users: users.to_vec() }).await?;
                Answer::Many(answer.users)
            }
            Load::Opaque(_) => anyhow::bail!("rmcp decodes every payload into a value"),
        })
    }
}

impl Rmcp {
    async fn tool<A: Serialize, R: for<'de> Deserialize<'de>>(&self, name: &'static str, arguments: &A) -> Result<R> {
        let Value::Object(arguments) = serde_json::to_value(arguments)? else {
            anyhow::bail!("arguments of a tool are an object");
        };
        let params = CallToolRequestParams::new(name).with_arguments(arguments);
        self.0.call_tool(params).await?.into_typed().context("decoding the result of a tool")
    }
}
