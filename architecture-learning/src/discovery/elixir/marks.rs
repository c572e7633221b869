//! Marks of frameworks in Elixir, and the code that tells a role.

use crate::discovery::dialect::{Framework, SignRule};
use crate::role::Role;

pub(super) const FRAMEWORKS: &[Framework] = &[
    ("phoenix", "framework", 0.95, &["phoenix", "Phoenix"]),
    ("live_view", "framework", 0.95, &["phoenix_live_view"]),
    ("plug", "framework", 0.88, &["plug", "plug_cowboy", "bandit", "use Plug.Router"]),
    ("absinthe", "framework", 0.95, &["absinthe", "Absinthe"]),
    ("broadway", "framework", 0.95, &["broadway", "Broadway"]),
    ("oban", "framework", 0.95, &["oban", "Oban"]),
    ("nerves", "framework", 0.95, &["nerves", "Nerves"]),
    ("ecto", "technology", 0.90, &["ecto", "ecto_sql", "Ecto"]),
    ("ash", "framework", 0.90, &["ash", "Ash"]),
    ("postgresql", "technology", 0.75, &["postgrex", "Postgrex"]),
    ("mysql", "technology", 0.75, &["myxql", "MyXQL"]),
    ("sqlite", "technology", 0.75, &["ecto_sqlite3", "exqlite", "Exqlite"]),
    ("mongodb", "technology", 0.80, &["mongodb_driver", "Mongo"]),
    ("redis", "technology", 0.85, &["redix", "Redix"]),
    ("rabbitmq", "technology", 0.75, &["amqp", "broadway_rabbitmq", "AMQP"]),
    ("kafka", "technology", 0.80, &["brod", "kafka_ex", "broadway_kafka"]),
    ("pgmq", "technology", 0.90, &["pgmq", "Pgmq"]),
];

pub(super) const RULES: &[SignRule] = &[
    SignRule {
        role: Role::HttpApi,
        packages: &[],
        signs: &[
            "use *, :controller",
            "use *, :router",
            "use *, :channel",
            "use Phoenix.Router",
            "use Phoenix.Controller",
            "use Phoenix.Endpoint",
            "use Phoenix.Channel",
            "use Phoenix.Socket",
            "use Plug.Router",
            "use Plug.Builder",
            "use Absinthe.Schema",
            "use Absinthe.Schema.Notation",
            "import Plug.Conn",
        ],
    },
    SignRule {
        role: Role::Ui,
        packages: &[],
        signs: &[
            "use *, :live_view",
            "use *, :live_component",
            "use *, :html",
            "use *, :view",
            "use *, :component",
            "use Phoenix.LiveView",
            "use Phoenix.LiveComponent",
            "use Phoenix.Component",
            "use Phoenix.View",
        ],
    },
    SignRule {
        role: Role::DataModel,
        packages: &[],
        signs: &["use Ecto.Schema", "use Ecto.Type", "use Ash.Resource", "use TypedStruct"],
    },
    SignRule {
        role: Role::Persistence,
        packages: &[],
        signs: &["use Ecto.Repo", "use Ecto.Migration", "use Mongo.Repo", ":mnesia"],
    },
    SignRule { role: Role::Cli, packages: &[], signs: &["use Mix.Task"] },
    SignRule {
        role: Role::Runtime,
        packages: &[],
        signs: &[
            "use Oban.Worker",
            "use Broadway",
            "use GenServer",
            "use GenStage",
            "use Supervisor",
            "use DynamicSupervisor",
            "use Agent",
            "use Task",
        ],
    },
    SignRule {
        role: Role::Transport,
        packages: &[],
        signs: &["use Tesla", "use WebSockex", ":gen_tcp", ":gen_udp", ":ssl"],
    },
    SignRule {
        role: Role::Security,
        packages: &["Bcrypt", "Argon2", "Pbkdf2", "Joken", "Guardian"],
        signs: &[],
    },
    SignRule { role: Role::Parsing, packages: &[], signs: &["import NimbleParsec"] },
];
