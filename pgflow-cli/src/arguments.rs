//! The commands and the options that all of them have.

use clap::{Args, Parser, Subcommand};

use crate::{commands, context::Context, error::CliError, exit::Exit};

/// Durable workflows on Postgres: run, watch and steer them.
///
/// RUN is the id of a run, or the idempotency key under which it was started (`key:42` where a key looks like an id).
///
/// Exit status: 0 done, 1 error, 2 wrong arguments, 3 no such run, workflow, version, node, signal, message or context,
/// 4 refused, 5 the doctor found a fault or the awaited run did not complete, 6 runs need the old version of their
/// workflow, 130 a second signal stopped a worker before it was drained.
#[derive(Debug, Parser)]
#[command(name = "pgflow", version, arg_required_else_help = true)]
pub struct CommandLine {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// The database, as in `postgres://user:password@host:port/database` [default: `DATABASE_URL`, else the private server
    /// of this user].
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context")]
    pub database: Option<String>,
    /// The database of this name in `contexts.toml`, which is in `pgflow` in the XDG configuration directory.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Confirm that the context of this name is meant, and whatever else would be asked.
    #[arg(long, global = true, value_name = "NAME")]
    pub yes_to: Option<String>,
    /// The address is that of a transaction pooler, such as `PgBouncer`.
    #[arg(long, global = true)]
    pub pooler: bool,
    /// Print one JSON object instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Who acts, for the audit [default: user@host].
    #[arg(long, global = true, value_name = "NAME", env = "PGFLOW_ACTOR")]
    pub actor: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the workflows of this program until told to stop.
    Worker(commands::worker::Worker),
    /// A private Postgres and a worker in one, for development.
    Dev(commands::dev::Dev),
    /// Start a run.
    Start(commands::start::Start),
    /// How a run stands.
    Status(commands::status::Status),
    /// Every reason why a run is not further along.
    Why(commands::why::Why),
    /// Where the time of a run went.
    Trace(commands::trace::Trace),
    /// Runs, newest first.
    List(commands::list::List),
    /// Draw a workflow, or a run with the states of its nodes.
    Graph(commands::graph::Graph),
    /// Cancel runs: what runs is told to stop, and the run is over.
    Cancel(commands::cancel::Cancel),
    /// Let runs stand still: what is under way finishes, nothing else begins.
    Pause(commands::pause::Pause),
    /// Let paused runs go on.
    Resume(commands::resume::Resume),
    /// Go on with a run that did not complete, or repeat one from a node, as a new run.
    Retry(commands::retry::Retry),
    /// Send a run a signal.
    Signal(commands::signal::Signal),
    /// What became of a message of a queue.
    Message(commands::message::Message),
    /// Remove runs that ended long ago, with their history.
    Prune(commands::prune::Prune),
    /// What a deploy of this program means for the runs under way.
    Check(commands::check::Check),
    /// Move runs under way to another version of their workflow.
    Migrate(commands::migrate::Migrate),
    /// The number of workers that the backlog asks for.
    Wanted(commands::wanted::Wanted),
    /// Look for what keeps runs from going on, and say what to do about it.
    Doctor(commands::doctor::Doctor),
    /// How the last hour went, and how much there is to do, for people, programs and Prometheus.
    Metrics(commands::metrics::Metrics),
    /// All that is stored of a run, as one JSON object.
    Dump(commands::dump::Dump),
    /// Completions for a shell.
    Completions(commands::completions::Completions),
}

/// What a command does with the database of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It opens none, or one of its own.
    None,
    /// It only looks.
    Looks,
    /// It changes what is there.
    Acts,
}

impl Command {
    pub(crate) fn access(&self) -> Access {
        match self {
            Self::Dev(_) | Self::Completions(_) => Access::None,
            Self::Worker(_)
            | Self::Start(_)
            | Self::Cancel(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Retry(_)
            | Self::Signal(_) => Access::Acts,
            Self::Prune(prune) if !prune.dry_run => Access::Acts,
            Self::Migrate(migrate) if !migrate.dry_run => Access::Acts,
            Self::Prune(_)
            | Self::Migrate(_)
            | Self::Status(_)
            | Self::Why(_)
            | Self::Trace(_)
            | Self::List(_)
            | Self::Graph(_)
            | Self::Check(_)
            | Self::Message(_)
            | Self::Wanted(_)
            | Self::Metrics(_)
            | Self::Doctor(_)
            | Self::Dump(_) => Access::Looks,
        }
    }

    pub(crate) async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        match self {
            Self::Worker(command) => command.run(context).await,
            Self::Dev(command) => command.run(context).await,
            Self::Start(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::Why(command) => command.run(context).await,
            Self::Trace(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Graph(command) => command.run(context).await,
            Self::Cancel(command) => command.run(context).await,
            Self::Pause(command) => command.run(context).await,
            Self::Resume(command) => command.run(context).await,
            Self::Retry(command) => command.run(context).await,
            Self::Signal(command) => command.run(context).await,
            Self::Message(command) => command.run(context).await,
            Self::Prune(command) => command.run(context).await,
            Self::Check(command) => command.run(context).await,
            Self::Migrate(command) => command.run(context).await,
            Self::Wanted(command) => command.run(context).await,
            Self::Doctor(command) => command.run(context).await,
            Self::Metrics(command) => command.run(context).await,
            Self::Dump(command) => command.run(context).await,
            Self::Completions(command) => Ok(command.run()),
        }
    }
}
