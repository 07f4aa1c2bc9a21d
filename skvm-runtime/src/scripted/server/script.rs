//! What the server was told to say.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::request::SeenRequest;
use super::tools::ShellTool;
use super::turn::Said;

/// What a [`ScriptedServer`](super::ScriptedServer) says.
///
/// The server keeps no conversation. A request that offers a shell tool and holds as many results of tools as
/// there were commands, or more, is answered with the final text; one with fewer results is answered with a
/// call of that tool, with the command whose turn it is. A request that offers no shell tool is answered with
/// the final text.
#[derive(Clone)]
#[must_use]
pub struct Script {
    commands: Vec<String>,
    answer: String,
    shell_tools: Vec<String>,
    pub(super) model: String,
    pub(super) tells_usage: bool,
    pub(super) fault: Fault,
    reply: Option<Arc<ReplyFn>>,
}

type ReplyFn = dyn Fn(&SeenRequest) -> Reply + Send + Sync;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The answer is this status and a message. Status 429 comes with `Retry-After: 1`. What is not the
    /// status of an answer becomes 500.
    Status(u16),
    /// The request is read and never answered.
    Hang,
    /// The answer, or each event of a stream, breaks off in the middle of its JSON, and says that it is whole.
    /// (Some clients pass over an event that they cannot read.)
    InvalidJson,
    /// The connection ends after half of the answer.
    Truncated,
    /// The request is read and the connection ends without an answer.
    Closes,
    /// The first answer to a request that offers tools is whole. From then on all connections are refused;
    /// those that are open end.
    DiesAfterFirst,
    /// No connection is ever accepted; the address stays taken until the server is dropped. As a [`Reply`]
    /// it is [`Fault::Closes`].
    Refuses,
}

/// What is said to one request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// What the script says without a function for replies.
    Scripted,
    /// A final text.
    Text(String),
    /// A call of the shell tool that is offered, with this command. Where none is offered, the script's final
    /// text.
    Command(String),
    /// A call of any tool, offered or not.
    Call {
        /// The tool's name.
        tool: String,
        /// Its arguments, commonly an object.
        arguments: Value,
    },
    /// What the script says, with a fault.
    Fault(Fault),
    /// A status and a body, as they are.
    Json {
        /// The status. What is not the status of an answer becomes 500.
        status: u16,
        /// The body.
        body: Value,
    },
}

impl Default for Script {
    fn default() -> Self {
        Self {
            commands: vec!["echo scripted".to_owned()],
            answer: "all done".to_owned(),
            shell_tools: Vec::new(),
            model: "scripted".to_owned(),
            tells_usage: true,
            fault: Fault::None,
            reply: None,
        }
    }
}

impl Script {
    /// One command, `echo scripted`; the text `all done`; tokens are told; nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one command that is run before the final text.
    pub fn with_command(self, command: impl Into<String>) -> Self {
        self.with_commands([command])
    }

    /// The commands that are run one after the other before the final text. There may be none.
    pub fn with_commands(mut self, commands: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.commands = commands.into_iter().map(Into::into).collect();
        self
    }

    /// The final text.
    pub fn with_answer(mut self, text: impl Into<String>) -> Self {
        self.answer = text.into();
        self
    }

    /// A name of a shell tool, looked for before the known ones.
    pub fn with_shell_tool(mut self, name: impl Into<String>) -> Self {
        self.shell_tools.push(name.into());
        self
    }

    /// The one model in the list of models. Answers name the model that was asked for.
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Whether tokens are told, those of [`ScriptedServer::USAGE`](super::ScriptedServer::USAGE). A stream of
    /// chat completions tells them only when it is asked to (`stream_options`), as the original does. The
    /// format of messages has no way not to tell them; it tells zeros then.
    pub fn with_usage(mut self, told: bool) -> Self {
        self.tells_usage = told;
        self
    }

    /// What goes wrong with every request for an answer or for a count of tokens.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// A function that says what each request for an answer gets. A fault of the script goes before it.
    /// A panic in it ends the connection.
    pub fn with_reply(
        mut self,
        reply: impl Fn(&SeenRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.reply = Some(Arc::new(reply));
        self
    }

    /// What a request for an answer gets.
    pub(super) fn reply(&self, request: &SeenRequest) -> Reply {
        match (self.fault, &self.reply) {
            (Fault::None, Some(reply)) => reply(request),
            (fault, _) => Reply::Fault(fault),
        }
    }

    /// What the script says in its turn.
    pub(super) fn said(&self, request: &SeenRequest) -> Said {
        match self.commands.get(request.tool_results()) {
            Some(command) => self.calls(request, command),
            None => Said::Text(self.answer.clone()),
        }
    }

    /// A call of the shell tool that is offered, else the final text.
    pub(super) fn calls(&self, request: &SeenRequest, command: &str) -> Said {
        match ShellTool::offered(request, &self.shell_tools) {
            Some(tool) => Said::Call { arguments: tool.arguments(command), tool: tool.name },
            None => Said::Text(self.answer.clone()),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commands, answer, shell_tools, model, tells_usage, fault, reply } = self;
        f.debug_struct("Script")
            .field("commands", commands)
            .field("answer", answer)
            .field("shell_tools", shell_tools)
            .field("model", model)
            .field("tells_usage", tells_usage)
            .field("fault", fault)
            .field("reply", &reply.as_ref().map(|_| "Fn"))
            .finish()
    }
}
